# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures a page in Chromium, through chromedriver and nothing but the standard library; see check-report."""
import argparse
import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

WIDTHS = (380, 1024, 2560)
MEASURE = r"""
const problems = [], texts = [];
const box = document.documentElement;
if (box.scrollWidth > box.clientWidth) problems.push('the page is ' + box.scrollWidth + ' wide');
function shown(element) {
  return element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true,
    contentVisibilityAuto: true });
}
function number(color) {
  const parts = color.match(/[\d.]+/g).map(Number);
  return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
}
function light(rgb) {
  const [r, g, b] = rgb.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function ground(element) {
  for (let one = element; one; one = one.parentElement) {
    const color = number(getComputedStyle(one).backgroundColor);
    if (color.alpha === 1) return color.rgb;
  }
  return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
}
function faint(element, color, name) {
  const pair = [light(number(color).rgb), light(ground(element))].sort((a, b) => b - a);
  const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
  if (contrast < 4.5) problems.push('too faint (' + contrast.toFixed(2) + '): ' + name);
}
function clip(element) {
  const one = element.closest('.scroll');
  return one && getComputedStyle(one).overflowX !== 'visible' ? one.getBoundingClientRect() : null;
}
for (const svg of document.querySelectorAll('svg')) {
  if (!shown(svg)) continue;
  const frame = svg.getBoundingClientRect();
  for (const text of svg.querySelectorAll('text')) {
    const rect = text.getBoundingClientRect(), name = text.textContent;
    if (rect.left < frame.left - 1 || rect.right > frame.right + 1 || rect.top < frame.top - 1
      || rect.bottom > frame.bottom + 1) problems.push('clipped in a picture: ' + name);
    if (rect.height < 10.5) problems.push('too small in a picture (' + rect.height + '): ' + name);
    faint(svg, getComputedStyle(text).fill, name);
    texts.push({ rect, name, shrink: 2.5 });
  }
}
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const owner = node.parentElement, name = node.textContent.trim();
  if (!name || owner.closest('svg, script, style') || !shown(owner)) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  const inside = clip(owner);
  if (inside === null && owner.scrollWidth > owner.clientWidth + 1 && owner.clientWidth > 0
    && getComputedStyle(owner).display !== 'inline') problems.push('clipped: ' + name);
  faint(owner, getComputedStyle(owner).color, name);
  for (const rect of range.getClientRects()) {
    if (rect.width < 1 || rect.height < 1) continue;
    if (inside) {
      if (rect.right <= inside.left || rect.left >= inside.right) continue;
    } else if (rect.left < -1 || rect.right > box.clientWidth + 1) {
      problems.push('outside the page: ' + name);
    }
    texts.push({ rect, name, shrink: 1.5, inside });
  }
}
texts.sort((a, b) => a.rect.top - b.rect.top);
for (let i = 0; i < texts.length; i++) {
  for (let j = i + 1; j < texts.length && texts[j].rect.top < texts[i].rect.bottom; j++) {
    const a = texts[i].rect, b = texts[j].rect, room = Math.max(texts[i].shrink, texts[j].shrink);
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 1 && down > room) problems.push('overlap: ' + texts[i].name + ' / ' + texts[j].name);
  }
}
if (!document.querySelector('button.copy:not([hidden])') && document.querySelector('button.copy')
  && !matchMedia('print').matches) problems.push('the script did not run');
return { problems: [...new Set(problems)], texts: texts.length };
"""

# The script of the page does what it is for: a cursor over all lanes, and texts beside the pointer.
TRY = r"""
const problems = [], figure = document.querySelector('figure[data-lanes]');
if (figure) {
  const slider = figure.querySelector('input'), data = JSON.parse(figure.getAttribute('data-lanes'));
  const step = Math.floor(data.instants.length / 2);
  slider.value = step;
  slider.dispatchEvent(new Event('input'));
  const head = figure.querySelector('.readout th').textContent;
  if (head !== 'at ' + data.instants[step]) problems.push('the cursor says ' + head);
  const places = new Set([...figure.querySelectorAll('.cursor')].map(line => line.getAttribute('x1')));
  if (places.has(null) || places.has('NaN')) problems.push('the cursor has no place');
}
const mark = [...document.querySelectorAll('svg .point')].find(one => one.checkVisibility());
if (mark) {
  for (const point of document.querySelectorAll('svg .point')) {
    point.dispatchEvent(new PointerEvent('pointermove', { clientX: 50, clientY: 50 }));
  }
  const tip = document.querySelector('.tip');
  if (!tip || tip.hidden || !tip.textContent) problems.push('no text stands beside the pointer');
  tip.hidden = true;
}
return problems;
"""


class Browser:
    """A session of chromedriver."""

    def __init__(self, folder):
        self.process = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        port = None
        for line in self.process.stdout:
            if "started successfully on port" in line:
                port = line.rsplit(" ", 1)[1].strip(" .\n")
                break
        self.base = f"http://127.0.0.1:{port}/session"
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                            f"--user-data-dir={folder}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        answer = self.post("", {"capabilities": {"alwaysMatch": wanted}})
        self.base += "/" + answer["sessionId"]

    def post(self, path, body):
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def command(self, name, **values):
        return self.post("/goog/cdp/execute", {"cmd": name, "params": values})

    def end(self):
        try:
            urllib.request.urlopen(urllib.request.Request(self.base, method="DELETE"), timeout=20)
        finally:
            self.process.terminate()


def measure(browser, page, folder):
    """Prints what is wrong with a page and gives how much that is."""
    found = measured = 0
    for width in WIDTHS:
        for look in ("light", "dark", "print"):
            if look == "print" and width != 1024:
                continue
            # A sheet of A4 within its margins is 680 pixels wide.
            browser.command("Emulation.setDeviceMetricsOverride", width=680 if look == "print" else width,
                            height=900, deviceScaleFactor=1, mobile=False)
            scheme = "dark" if look == "dark" else "light"
            browser.command("Emulation.setEmulatedMedia", media="print" if look == "print" else "",
                            features=[{"name": "prefers-color-scheme", "value": scheme}])
            browser.post("/url", {"url": page.as_uri()})
            time.sleep(0.3)
            name = f"{page.stem}, {look}, {width}"
            if look != "print":
                for problem in browser.post("/execute/sync", {"script": TRY, "args": []}):
                    print(f"{name}: {problem}")
                    found += 1
            for state in ("folded", "open"):
                if state == "open":
                    script = "document.querySelectorAll('details').forEach(d => { d.open = true; });"
                    browser.post("/execute/sync", {"script": script, "args": []})
                result = browser.post("/execute/sync", {"script": MEASURE, "args": []})
                for problem in result["problems"]:
                    print(f"{name}, {state}: {problem}")
                found += len(result["problems"])
                measured += result["texts"]
                if folder:
                    shot = browser.command("Page.captureScreenshot", captureBeyondViewport=True)
                    (folder / f"{page.stem}-{look}-{width}-{state}.png").write_bytes(base64.b64decode(shot["data"]))
    for entry in browser.post("/se/log", {"type": "browser"}):
        print(f"{page.stem}, console: {entry['message']}")
        found += 1
    for entry in browser.post("/se/log", {"type": "performance"}):
        event = json.loads(entry["message"])["message"]
        if event["method"] == "Network.requestWillBeSent":
            url = event["params"]["request"]["url"]
            if not url.startswith(("file:", "data:", "chrome")):
                print(f"{page.stem}: asked the network for {url}")
                found += 1
    if not measured:
        print(f"{page.stem}: no text was found")
        found += 1
    print(f"{page.stem}: {measured} texts measured, {found} problems", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("pages", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    if arguments.pictures:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            found = sum(measure(browser, page.resolve(), arguments.pictures) for page in arguments.pages)
        finally:
            browser.end()
    sys.exit(1 if found else 0)


main()
