"use strict";
(function () {
  // One tab of charts at a time; without this script all are shown below each other.
  var buttons = Array.from(document.querySelectorAll("[data-tab]"));
  var panels = Array.from(document.querySelectorAll("[data-panel]"));
  function select(at) {
    buttons.forEach(function (button) { button.setAttribute("aria-selected", String(button.dataset.tab === at)); });
    panels.forEach(function (panel) { panel.hidden = panel.dataset.panel !== at; });
  }
  if (buttons.length > 1) {
    document.querySelector(".tabs").hidden = false;
    document.getElementById("time").classList.add("tabbed");
    buttons.forEach(function (button) { button.addEventListener("click", function () { select(button.dataset.tab); }); });
    select("0");
  } else {
    document.getElementById("time").classList.add("tabbed");
  }

  // A cause that the chosen weight hides is shown when its link is followed.
  document.querySelectorAll(".timeline .cause a").forEach(function (link) {
    link.addEventListener("click", function () {
      var target = document.getElementById(link.getAttribute("href").slice(1));
      if (target && getComputedStyle(target).display === "none") {
        target.closest(".lines").querySelector("input.all").checked = true;
      }
    });
  });

  // The values under the pointer, in every chart that is shown.
  var all = JSON.parse(document.getElementById("values").textContent);
  function digits(value, n) { return String(Number(value.toPrecision(n))); }
  function show(unit, value) {
    if (value === null || value === undefined) { return "no sample"; }
    if (unit === "share") { return digits(value * 100, value > 0.99 && value < 1 ? 5 : 3) + " %"; }
    if (unit === "seconds") {
      if (value === 0 || value >= 1) { return digits(value, 3) + " s"; }
      return value >= 0.001 ? digits(value * 1e3, 3) + " ms" : digits(value * 1e6, 3) + " us";
    }
    if (unit === "persecond") { return digits(value, 3) + "/s"; }
    return digits(value, 4) + (unit === "usd" ? " USD" : "");
  }
  function two(n) { return (n < 10 ? "0" : "") + n; }
  function clock(s) { return Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(Math.floor(s % 60)); }
  function readOut(chart, seconds) {
    var parts = chart.lines.map(function (line) {
      var at = Math.floor(seconds / line.window_s);
      var text = (line.label ? line.label + " " : "") + show(chart.unit, line.values[at]);
      if (line.low && line.low[at] !== null && line.low[at] !== undefined) {
        text += " [" + show(chart.unit, line.low[at]) + ", " + show(chart.unit, line.high[at]) + "]";
      }
      return text;
    });
    var first = chart.lines[0].window_s;
    return clock(Math.floor(seconds / first) * first) + "  " + parts.join(", ");
  }
  var charts = Array.from(document.querySelectorAll("svg.chart")).map(function (svg) {
    var d = svg.dataset;
    return { svg: svg, cursor: svg.querySelector(".cursor"), output: svg.parentNode.querySelector("output"), values: all[Number(d.chart)],
      x0: Number(d.x0), x1: Number(d.x1), y0: Number(d.y0), y1: Number(d.y1) };
  });
  function mark(share) {
    charts.forEach(function (chart) {
      if (share === null || chart.svg.closest("[hidden]")) {
        chart.cursor.setAttribute("d", "");
        chart.output.textContent = "";
        return;
      }
      var x = (chart.x0 + share * (chart.x1 - chart.x0)).toFixed(1);
      chart.cursor.setAttribute("d", "M" + x + " " + chart.y0 + "V" + chart.y1);
      chart.output.textContent = readOut(chart.values, Math.min(share, 0.999999) * chart.values.end_s);
    });
  }
  charts.forEach(function (chart) {
    chart.svg.addEventListener("pointermove", function (event) {
      var box = chart.svg.getBoundingClientRect();
      var x = (event.clientX - box.left) / box.width * chart.svg.viewBox.baseVal.width;
      var share = (x - chart.x0) / (chart.x1 - chart.x0);
      mark(share >= 0 && share <= 1 ? share : null);
    });
    chart.svg.addEventListener("pointerleave", function () { mark(null); });
  });
})();
