// SPDX-License-Identifier: GPL-3.0-or-later

/// The script of a page: buttons that copy, texts beside the pointer, and a cursor over lanes.
///
/// Nothing needs it to be read. It holds no less-than sign and no ampersand, so that the page is XML.
enum PageScript {
  /// What the page's policy names the script by; `DocumentTests` compute it anew.
  static let digest = "sha256-+e1hZ6q02uGBXVR9+SEySqhWwh2N/xd8yNQogE4qq+Q="

  /// The script.
  static let text = """

    (function () {
      "use strict";
      function each(list, what) { Array.prototype.forEach.call(list, what); }
      function made(name, kind, text) {
        var element = document.createElement(name);
        element.className = kind;
        element.textContent = text;
        return element;
      }

      each(document.querySelectorAll("button.copy"), function (button) {
        var code = button.parentNode.querySelector("code");
        function done() {
          button.textContent = "Copied";
          setTimeout(function () { button.textContent = "Copy"; }, 1500);
        }
        function select() {
          var range = document.createRange();
          range.selectNodeContents(code);
          getSelection().removeAllRanges();
          getSelection().addRange(range);
          if (document.execCommand("copy")) { done(); }
        }
        button.hidden = false;
        button.addEventListener("click", function () {
          if (!navigator.clipboard) { select(); return; }
          navigator.clipboard.writeText(code.textContent).then(done, select);
        });
      });

      var tip = made("div", "tip", "");
      tip.hidden = true;
      document.body.appendChild(tip);
      each(document.querySelectorAll("svg title"), function (title) {
        var owner = title.parentNode, text = title.textContent;
        owner.removeChild(title);
        owner.addEventListener("pointermove", function (event) {
          tip.textContent = text;
          tip.hidden = false;
          var most = document.documentElement.clientWidth + scrollX - tip.offsetWidth - 8;
          tip.style.left = Math.max(8, Math.min(event.pageX + 12, most)) + "px";
          tip.style.top = (event.pageY + 14) + "px";
        });
        owner.addEventListener("pointerleave", function () { tip.hidden = true; });
      });

      each(document.querySelectorAll("figure[data-lanes]"), function (figure) {
        var data = JSON.parse(figure.getAttribute("data-lanes")), count = data.instants.length;
        if (count === 0) { return; }
        var slider = made("input", "", ""), readout = made("div", "readout", ""), cursors = [];
        slider.type = "range";
        slider.min = 0;
        slider.max = count - 1;
        slider.value = 0;
        slider.setAttribute("aria-label", "Instant of the cursor");
        each(figure.querySelectorAll("svg"), function (svg) {
          var frame = svg.parentNode, line = document.createElementNS(svg.namespaceURI, "line");
          var left = Number(frame.getAttribute("data-left"));
          var width = Number(frame.getAttribute("data-right")) - left;
          line.setAttribute("class", "cursor");
          line.setAttribute("y1", 0);
          line.setAttribute("y2", svg.viewBox.baseVal.height);
          svg.appendChild(line);
          cursors.push(function (step) {
            var x = left + width * (step + 0.5) / count;
            line.setAttribute("x1", x);
            line.setAttribute("x2", x);
          });
          svg.addEventListener("pointermove", function (event) {
            var box = svg.getBoundingClientRect();
            var x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
            show(Math.floor((x - left) / width * count));
          });
        });
        function show(wanted) {
          var step = Math.max(0, Math.min(count - 1, wanted)), table = made("table", "", "");
          function row(cells, kind) {
            var line = made("tr", "", "");
            each(cells, function (cell, place) {
              line.appendChild(made(kind, place === 0 ? "" : "n", cell));
            });
            table.appendChild(line);
          }
          slider.value = step;
          each(cursors, function (move) { move(step); });
          row(["at " + data.instants[step]].concat(data.panels), "th");
          each(data.lanes, function (lane, place) {
            row([lane].concat(data.places.map(function (panel) {
              return data.texts[panel[place][step]];
            })), "td");
          });
          readout.replaceChildren(table);
        }
        slider.addEventListener("input", function () { show(Number(slider.value)); });
        var details = figure.querySelector("details");
        figure.insertBefore(slider, details);
        figure.insertBefore(readout, details);
        show(0);
      });
    }());

    """
}
