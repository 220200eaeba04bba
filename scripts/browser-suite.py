# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts/browser-suite does once everything is there: PROGRAM and the folder of screenshots."""
import base64
import pathlib
import signal
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlparse

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PROGRAM, SHOTS = sys.argv[1], pathlib.Path(sys.argv[2])
DUMP = pathlib.Path("models/facts/captures/ptdump/6.12.107_4k_64M.stage2_page_tables").resolve()
QUESTION = "?workload=container-churn&host=graviton3&kernel=6.1"
failures = []


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    if not holds:
        failures.append(what)


class Page:
    def __init__(self, port, width=1280, height=900):
        options = webdriver.ChromeOptions()
        for word in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--force-device-scale-factor=1", f"--window-size={width},{height}"]:
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.binary_location = "/usr/bin/chromium"
        self.driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
        self.origin = f"http://127.0.0.1:{port}/"
        self.size(width, height)

    def size(self, width, height, kept=True):
        if kept:
            self.now = (width, height)
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def open(self, query=QUESTION):
        self.driver.get(self.origin + query)
        self.wait(lambda: self.text("policy-text"), "the first prediction")
        self.settle()

    def id(self, name):
        return self.driver.find_element(By.ID, name)

    def text(self, name):
        return self.js("return document.getElementById(arguments[0]).textContent", name)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, holds, what, seconds=180):
        try:
            WebDriverWait(self.driver, seconds, 0.05).until(lambda _: holds())
        except Exception:
            check(False, f"waited {seconds} s for {what}")
            self.shot("failed")
            raise

    def settle(self):
        """Waits until nothing on the page changes any more."""
        last, since = None, time.monotonic()
        while time.monotonic() - since < 0.6:
            now = self.js("return document.body.innerText.length + document.body.innerHTML.length")
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.1)

    def shot(self, name, whole=True):
        width, height = self.now
        if whole:
            # What scrolls by itself is shown whole as well.
            self.size(width, max(height, self.js("return document.documentElement.scrollHeight")), kept=False)
            results = "const e = document.getElementById('results'); return e.scrollHeight + 200"
            self.size(width, max(height, self.js("return document.documentElement.scrollHeight"), self.js(results)), False)
        result = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": whole, **(
            {"clip": {"x": 0, "y": 0, "scale": 1, **self.js(
                "return {width: document.documentElement.clientWidth, height: document.documentElement.scrollHeight}")}}
            if whole else {})})
        (SHOTS / f"{name}.png").write_bytes(base64.b64decode(result["data"]))
        self.size(width, height)

    def problems(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


CONTRAST = """
const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
const under = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const color = rgb(getComputedStyle(e).backgroundColor);
    if (color.length === 3 || color[3] > 0.99) return color;
  }
  return [255, 255, 255];
};
const found = [];
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const style = getComputedStyle(element);
  if (!own || !element.getClientRects().length || element.closest('option, [hidden], .visually-hidden, :disabled')) continue;
  const isDrawn = element instanceof SVGElement;
  const [front, back] = [rgb(isDrawn ? style.fill : style.color), under(element)];
  const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
  const ratio = (a + .05) / (b + .05);
  if (ratio < 4.5) found.push(`${element.tagName}.${element.className.baseVal ?? element.className} `
    + `'${element.textContent.trim().slice(0, 30)}' ${ratio.toFixed(2)}`);
}
for (const selector of ['.mark-now', '.mark-asked', '.mark-truth', '.curve', '.mark-limit']) {
  for (const element of [...document.querySelectorAll(selector)].slice(0, 1)) {
    const style = getComputedStyle(element);
    const front = rgb(style.fill !== 'none' && selector !== '.curve' ? style.fill : style.stroke);
    const [a, b] = [light(front), light(under(element))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 3) found.push(`${selector} ${((a + .05) / (b + .05)).toFixed(2)}`);
  }
}
return found;
"""

FOCUS = """
const e = document.activeElement;
const box = e.getBoundingClientRect();
const style = getComputedStyle(e);
const all = [...document.querySelectorAll('*')];
return {id: e.id || e.textContent.trim().slice(0, 30), place: all.indexOf(e), body: e === document.body,
  ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
  seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight};
"""


def names(page):
    """Controls and pictures without a name, as a screen reader has them."""
    tree = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = {"button", "combobox", "slider", "textbox", "link", "image", "img", "progressbar", "table", "group", "form"}
    return [node["role"]["value"] for node in tree if not node.get("ignored")
            and node.get("role", {}).get("value") in roles - {"group"} and not node.get("name", {}).get("value")]


def drag(page, key, steps):
    """Moves a slider by keys and gives the times until the figures had moved, in ms."""
    return page.driver.execute_async_script("""
      const [id, steps, done] = arguments;
      const range = document.getElementById(id);
      const times = [];
      const next = (left) => {
        if (!left) return done(times);
        const began = performance.now();
        const body = document.querySelector('#figures tbody');
        const watch = new MutationObserver(() => {
          watch.disconnect();
          times.push(performance.now() - began);
          setTimeout(() => next(left - 1), 150);
        });
        watch.observe(body, {childList: true});
        range.value = Number(range.value) - 1;
        range.dispatchEvent(new Event('input', {bubbles: true}));
      };
      next(steps);
    """, key, steps)


def walk(page):
    """Goes through the page by the tabulator key."""
    page.js("document.activeElement.blur(); window.scrollTo(0, 0)")
    places, unseen, bare = [], [], []
    for _ in range(120):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        focus = page.js(FOCUS)
        if focus["body"] or (places and focus["place"] <= min(places)):
            break
        places.append(focus["place"])
        if not focus["seen"]:
            unseen.append(focus["id"])
        if not focus["ring"]:
            bare.append(focus["id"])
    return places, unseen, bare


def use(port):
    page = Page(port)
    driver = page.driver
    driver.set_script_timeout(120)
    page.open()
    check("teardown" in page.text("verdict"), "loads, and a prediction with its verdict is there")
    check("container-churn on graviton3" in page.text("heading"), "says what is asked")
    rows = page.js("return [...document.querySelectorAll('#figures tbody tr:not(.bar)')].map((r) => r.innerText)")
    check(len(rows) >= 5 and all("to" in row for row in rows[:4]), "figures have their intervals")
    check(len(page.js("return [...document.querySelectorAll('#curves svg')]")) == 2, "two curves are drawn")
    page.shot("1-loaded")

    before = page.text("verdict")
    times = drag(page, "knob-chunk", 9)
    page.settle()
    check(page.text("verdict") != before, f"dragging the chunk moves the verdict: {page.text('verdict')}")
    middle = sorted(times)[len(times) // 2]
    check(middle < 50, f"a move takes {middle:.0f} ms in the middle, {max(times):.0f} ms at most")
    check("policy=chunk%3D2MiB" in driver.current_url, "the URL holds the chunk")
    check("chunk=2MiB" in page.text("policy-text") and "--policy chunk=2MiB" in page.text("command"),
          "policy and command say the same")
    page.shot("2-dragged")
    drag(page, "setting-vm.memory", 3)
    page.settle()
    check("vm.memory=" in page.text("command") and "set=vm.memory" in driver.current_url, "memory is a slider too")

    page.js("document.getElementById('knob-tlbi').value = 'none';"
            "document.getElementById('knob-tlbi').dispatchEvent(new Event('change', {bubbles: true}))")
    page.wait(lambda: "Not safe" in page.text("safety"), "the hazard's verdict")
    check("✗" in page.text("verdict"), f"a hazard is said: {page.text('safety')[:70]}")
    page.shot("3-hazard")

    # The page is the same after it is loaded anew.
    seen = {name: page.text(name) for name in ("verdict", "policy-text", "command")}
    driver.refresh()
    page.wait(lambda: page.text("policy-text"), "the page after a reload")
    page.settle()
    again = {name: page.text(name) for name in seen}
    check(again == seen, "a reload restores everything")

    driver.get(page.origin + "?workload=ci-microvm&host=graviton3&kernel=6.1&policy=chunk%3D2MiB")
    page.wait(lambda: page.text("policy-text"), "another workload")
    page.settle()
    page.id("simulate").click()
    page.wait(lambda: page.js("return document.querySelectorAll('#figures .mark-truth').length"), "the simulation")
    page.settle()
    check(bool(page.js("return [...document.querySelectorAll('#figures tbody td')].some((e) => /inside|outside/.test(e.innerText))")),
          "simulated figures lie over the predictions")
    check(page.text("status").startswith("Simulated"), "it is announced")
    page.shot("4-simulated")
    page.id("recommend").click()
    page.wait(lambda: page.js("return document.querySelectorAll('#front svg .mark-front').length"), "the front", 400)
    page.settle()
    check("★" in page.text("recommendation-body"), "the recommended policy is marked")
    check(bool(page.js("return document.querySelectorAll('#front svg .mark-truth').length")), "the front marks it")
    page.shot("5-recommended")
    page.id("use").click()
    page.settle()
    check(page.id("problem").is_displayed() is False, "the recommended policy can be tried")

    page.open("?workload=container-churn&host=graviton3&kernel=6.1&policy=chunk%3D4KiB&set=vm.memory%3D1TiB")
    page.id("simulate").click()
    page.wait(lambda: page.id("cancel").is_displayed(), "the long run")
    page.wait(lambda: "%" in page.text("progress-label"), "its progress")
    page.shot("6-progress", whole=False)
    page.id("cancel").click()
    page.wait(lambda: not page.id("cancel").is_displayed(), "the end of the run")
    check(True, "a long run shows its progress and is cancelled")

    page.open()
    page.id("file").send_keys(str(DUMP))
    page.wait(lambda: "leaves" in page.text("files"), "the dump")
    page.settle()
    check("dump=" in driver.current_url and "--stage2-dump" in page.text("command"), "a dump becomes the question")
    dropped = page.text("verdict")
    driver.refresh()
    page.wait(lambda: page.text("policy-text"), "the page with its dump")
    page.settle()
    check(page.text("verdict") == dropped and "leaves" in page.text("files"), "the dump is there after a reload")
    page.js("""
      const data = new DataTransfer();
      data.items.add(new File(['nonsense'], 'nonsense.txt'));
      document.getElementById('drop').dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true}));
    """)
    page.wait(lambda: page.id("problem").is_displayed(), "the refusal")
    check("nonsense" in page.text("problem"), f"a strange file is refused: {page.text('problem')[:60]}...")
    page.shot("7-refused")
    expected = [one for one in page.problems() if "400 (Bad Request)" in one]
    check(len(expected) >= 1, "the browser heard of it, and only of it")

    page.open()
    nameless = names(page)
    check(not nameless, f"every control and picture has a name {nameless}")
    places, unseen, bare = walk(page)
    check(len(places) > 15 and places == sorted(places), f"the focus goes through {len(places)} controls in their order")
    check(not unseen and not bare, f"each is seen and ringed {unseen[:3]} {bare[:3]}")
    check(not page.js(CONTRAST), f"contrasts are 4.5 and 3 {page.js(CONTRAST)[:4]}")
    page.id("knob-chunk").send_keys(Keys.ARROW_LEFT)
    page.settle()
    check("policy=chunk" in driver.current_url, "a slider is moved by keys")
    check("turned" in page.js("return document.querySelector('[data-key=chunk]').className"), "and marked as turned")

    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    page.settle()
    dark = page.js("return getComputedStyle(document.body).backgroundColor")
    check(dark == "rgb(20, 23, 26)", "dark mode is dark")
    check(not page.js(CONTRAST), f"and has its contrasts {page.js(CONTRAST)[:4]}")
    page.shot("8-dark")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

    page.size(380, 800)
    page.open(QUESTION + "&policy=chunk%3D2MiB")
    wide = page.js("return document.documentElement.scrollWidth")
    check(wide <= 380, f"380 pixels are enough ({wide})")
    spilled = page.js("""return [...document.querySelectorAll('body *')].filter((e) => !e.closest('.skip, .visually-hidden, svg')
      && e.getClientRects().length && e.getBoundingClientRect().right > 381).map((e) => e.id || e.className)""")
    check(not spilled, f"and nothing spills {spilled[:4]}")
    page.shot("9-narrow")
    page.shot("9-narrow-top", whole=False)

    page.size(800, 1100)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.settle()
    hidden = page.js("return ['simulate', 'drop', 'reset'].every((id) => !document.getElementById(id).getClientRects().length)")
    check(hidden, "printing leaves the buttons out")
    page.shot("10-print")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})

    page.size(1280, 900)
    for workload in ["live-migration", "storage-randwrite", "memory-reclaim", "snapshot"]:
        driver.get(page.origin + f"?workload={workload}&host=graviton4&kernel=6.12")
        page.wait(lambda: page.text("policy-text"), workload)
        page.settle()
        page.shot(f"11-{workload}")
    # A question that the model does not reach is a conflict, which the page says in words.
    left = [one for one in page.problems() if "409 (Conflict)" not in one]
    check(not left, f"no error and no warning in the console {left[:3]}")
    driver.quit()


def main():
    server = subprocess.Popen([PROGRAM, "explore", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        use(int(server.stdout.readline().split(":")[2].strip("/\n")))
    finally:
        server.send_signal(signal.SIGTERM)
        check(server.wait(20) == 0, "the server ends with 0")
    print(f"screenshots are in {SHOTS}")
    sys.exit(1 if failures else 0)


main()
