// The scores of checks over time, a line each. `uPlot` is a global.

import { axisTexts, axisWidth, timeTexts } from "../base/axes.js";
import { element } from "../base/dom.js";
import { scoreName } from "./scores.js";

const HEIGHT = 200;
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2]];

export class ChecksChart {
  constructor(keys) {
    this.keys = keys;
    this.node = element("div", undefined, "checks-plot");
    this.node.setAttribute("role", "img");
    this.plot = null;
    new ResizeObserver(() => this.fit()).observe(this.node);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.plot && this.plot.redraw(false));
  }

  /** `checks` are the oldest first. */
  show(checks) {
    const at = checks.map(({ until }) => until);
    const lines = this.keys.map((key) => checks.map(({ report }) => valueOf(report.scores[key])));
    this.node.setAttribute("aria-label", `Distance from normal of ${this.keys.map(scoreName).join(", ")} in ${checks.length} checks; the table has the numbers.`);
    this.data = [at, ...lines];
    if (this.plot) this.plot.setData(this.data);
    else this.make();
  }

  make() {
    const axis = { stroke: () => colour("--quiet"), font: "11px system-ui, sans-serif", ticks: { show: false }, grid: { stroke: () => colour("--line"), width: 1 } };
    const series = this.keys.map((key, place) => ({
      label: scoreName(key),
      stroke: () => colour(`--series-${place + 1}`),
      width: 1.5,
      dash: DASHES[place],
      points: { show: true, size: 5, fill: () => colour(`--series-${place + 1}`) },
    }));
    this.plot = new uPlot(
      {
        width: Math.max(this.node.clientWidth, 200),
        height: HEIGHT,
        padding: [10, 28, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (plot, least, most) => [0, Math.max(0.1, (most || 0) * 1.1)] } },
        series: [{}, ...series],
        axes: [
          { ...axis, size: 28, space: 80, values: (plot, splits) => timeTexts(splits) },
          { ...axis, size: axisWidth, values: (plot, splits) => axisTexts(splits) },
        ],
      },
      this.data,
      this.node,
    );
  }

  fit() {
    const width = this.node.clientWidth;
    if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }
}

/** What was not tested says nothing of how far chance alone goes: it is a gap. */
const valueOf = (score) => (score ? score.corrected : null);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
