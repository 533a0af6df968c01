// The past of a metric as a line, the thresholds, and where an alert would have fired shaded. `uPlot` is a global.

import { axisTexts, axisWidth, timeTexts } from "../base/axes.js";
import { element } from "../base/dom.js";
import { firedSpans } from "./spans.js";

const HEIGHT = 210;
const PAD = 0.08;
const FONT = "11px system-ui, sans-serif";

/** A chart to put somewhere; `label` says what is drawn. */
export class PreviewChart {
  constructor() {
    this.node = element("div", undefined, "preview-chart");
    this.node.setAttribute("role", "img");
    this.fired = [];
    this.plot = null;
    this.watching = new ResizeObserver(() => this.fit());
    this.watching.observe(this.node);
    this.themed = () => this.plot && this.plot.redraw(false);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", this.themed);
  }

  /** Draws the API's preview: its points, their thresholds, and when it would have fired. */
  show(found, label) {
    const { points, since, until } = found;
    this.node.setAttribute("aria-label", label);
    this.fired = firedSpans(found);
    this.unit = found.unit;
    this.span = [since, until];
    this.data = ["at", "value", "low", "high"].map((part) => points.map((point) => point[part]));
    if (!this.plot) this.make();
    else this.plot.setData(this.data);
  }

  /** Moves the thresholds at once, to where somebody typed them; the firings are those of before until they are known. */
  setEdges(low, high) {
    if (!this.plot) return;
    const many = this.data[0].length;
    this.data = [this.data[0], this.data[1], Array(many).fill(low), Array(many).fill(high)];
    this.fired = [];
    this.plot.setData(this.data);
  }

  end() {
    this.watching.disconnect();
    this.scheme.removeEventListener("change", this.themed);
    if (this.plot) this.plot.destroy();
    this.plot = null;
  }

  make() {
    const edge = { stroke: () => colour("--bad"), width: 1.5, dash: [6, 4], points: { show: false } };
    const axis = { stroke: () => colour("--quiet"), font: FONT, ticks: { show: false }, grid: { stroke: () => colour("--line"), width: 1 } };
    this.plot = new uPlot(
      {
        width: Math.max(this.node.clientWidth, 200),
        height: HEIGHT,
        padding: [10, 20, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { range: () => this.span }, y: { range: (plot, least, most) => rangeOf(least, most) } },
        series: [{}, { stroke: () => colour("--accent"), width: 1.5, points: lonely }, edge, edge],
        axes: [
          { ...axis, size: 28, space: 70, values: (plot, splits) => timeTexts(splits) },
          { ...axis, size: axisWidth, values: (plot, splits) => axisTexts(splits, this.unit) },
        ],
        hooks: { drawClear: [(plot) => this.shade(plot)] },
      },
      this.data,
      this.node,
    );
  }

  shade(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = colour("--bad");
    for (const [since, until] of this.fired) {
      const left = Math.max(plot.valToPos(since, "x", true), bbox.left);
      const right = Math.min(plot.valToPos(until, "x", true), bbox.left + bbox.width);
      const width = Math.max(right - left, 2 * devicePixelRatio);
      ctx.globalAlpha = 0.16;
      ctx.fillRect(left, bbox.top, width, bbox.height);
      ctx.globalAlpha = 0.9; // a line above too: colour is not the only sign
      ctx.fillRect(left, bbox.top, width, 3 * devicePixelRatio);
    }
    ctx.restore();
  }

  fit() {
    const width = this.node.clientWidth;
    if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }
}

/** A value between two gaps has no line: it is a point. */
const lonely = {
  show: true,
  size: 3,
  fill: () => colour("--accent"),
  filter: ({ data: [, values] }) =>
    [...values.keys()].filter((at) => values[at] !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null),
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function rangeOf(least, most) {
  if (least === null || most === null || !Number.isFinite(least)) return [0, 1];
  const room = (most - least) * PAD || Math.abs(most) * PAD || 1;
  return [least >= 0 ? Math.max(least - room, 0) : least - room, most + room];
}
