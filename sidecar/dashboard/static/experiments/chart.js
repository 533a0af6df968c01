// A line with its bounds over time, by uPlot: the band of a confidence sequence, the line of no difference, and upright
// marks where the split changed.

import { axisWidth, timeTexts } from "../base/axes.js";

const HEIGHT = 250;
const LABEL_PX = 46; // marks that are nearer to each other share one label
const OUTSIDE = 3; // how many times the last band's width early bounds may reach beyond it: they would flatten the rest
const PADDING = 0.08;
const dark = matchMedia("(prefers-color-scheme: dark)");

export class BandChart {
  /** `hovered(index)` is told over which point the pointer is; null: over none. */
  constructor(node, hovered) {
    this.node = node;
    this.hovered = hovered;
    this.plot = null;
    new ResizeObserver(() => this.fit()).observe(node);
    dark.addEventListener("change", () => this.again());
  }

  /** `marks` are [{at, text}]. */
  show(series, marks) {
    const isNew = !this.plot || this.series.key !== series.key;
    this.series = series;
    this.marks = marks;
    if (isNew) this.again();
    else this.plot.setData(dataOf(series));
  }

  /** Before it has a place on the page there is nothing to draw on, and no colour: it is drawn when it gets one. */
  again() {
    if (!this.series || !this.node.clientWidth) return;
    if (this.plot) this.plot.destroy();
    this.plot = new uPlot(this.options(), dataOf(this.series), this.node);
  }

  fit() {
    const width = this.node.clientWidth;
    if (!this.plot) this.again();
    else if (width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  options() {
    const colour = colours(this.node);
    const axis = { stroke: colour.quiet, font: "12px system-ui, sans-serif", grid: { stroke: colour.line, width: 1 } };
    const bound = { stroke: colour.accent, width: 1, points: { show: false } };
    return {
      width: this.node.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false },
      scales: { x: { time: true }, y: { range: () => rangeOf(this.series) } },
      axes: [
        { ...axis, ticks: { stroke: colour.line }, space: 64, size: 34, values: (_, at) => timeTexts(at) },
        { ...axis, ticks: { show: false }, size: axisWidth, values: (_, values) => this.series.axis(values) },
      ],
      series: [
        {},
        { stroke: colour.accent, width: 2, points: { show: this.series.points.length < 3, size: 7, fill: colour.accent } },
        bound,
        bound,
      ],
      bands: [{ series: [3, 2], fill: colour.band }],
      hooks: {
        drawAxes: [(plot) => this.drawMarks(plot, colour)],
        draw: [(plot) => this.drawNow(plot, colour)],
        setCursor: [(plot) => this.hovered(plot.cursor.idx ?? null)],
      },
    };
  }

  drawMarks(plot, colour) {
    const { ctx, bbox } = plot;
    const { left, top, width, height } = bbox;
    const scale = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top - 16 * scale, width, height + 16 * scale);
    ctx.clip();
    if (this.series.mark !== null) {
      const y = plot.valToPos(this.series.mark, "y", true);
      line(ctx, [left, y, left + width, y], colour.text, 1.5 * scale, []);
    }
    ctx.font = `${11 * scale}px system-ui, sans-serif`;
    ctx.fillStyle = colour.quiet;
    ctx.textAlign = "left";
    let free = -Infinity;
    for (const { at, text } of this.marks) {
      const x = plot.valToPos(at, "x", true);
      line(ctx, [x, top, x, top + height], colour.quiet, scale, [3 * scale, 3 * scale]);
      if (x < free || x > left + width) continue;
      ctx.fillText(text, x + 4 * scale, top + 11 * scale);
      free = x + LABEL_PX * scale;
    }
    ctx.restore();
  }

  /** The bounds of the last point as an upright stroke: of one point alone there is no band to see. */
  drawNow({ ctx, bbox, valToPos }, colour) {
    const { at, low, high } = this.series.points.at(-1);
    if (low === null || high === null) return;
    const scale = devicePixelRatio;
    const inside = (y) => Math.min(Math.max(y, bbox.top), bbox.top + bbox.height);
    const x = valToPos(at, "x", true) - scale;
    const [bottom, top] = [low, high].map((value) => inside(valToPos(value, "y", true)));
    const cap = 4 * scale;
    ctx.save();
    for (const ends of [[x, bottom, x, top], [x - cap, bottom, x + cap, bottom], [x - cap, top, x + cap, top]]) {
      line(ctx, ends, colour.accent, 2 * scale, []);
    }
    ctx.restore();
  }
}

function line(ctx, [x1, y1, x2, y2], stroke, width, dash) {
  ctx.beginPath();
  ctx.setLineDash(dash);
  ctx.strokeStyle = stroke;
  ctx.lineWidth = width;
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

const dataOf = ({ points }) => ["at", "value", "low", "high"].map((key) => points.map((one) => one[key]));

/** From where to where values are drawn: what is known now is seen whole, and where no difference would be. */
function rangeOf({ points, mark }) {
  const bounded = points.filter(({ low, high }) => low !== null && high !== null);
  let values = points.map(({ value }) => value).filter((value) => value !== null);
  if (bounded.length) {
    const last = bounded[bounded.length - 1];
    const most = OUTSIDE * (last.high - last.low);
    const near = (value) => Math.min(Math.max(value, last.low - most), last.high + most);
    values = bounded.flatMap(({ low, high }) => [near(low), near(high)]);
  }
  if (mark !== null) values.push(mark);
  if (!values.length) return [0, 1];
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const room = PADDING * (greatest - least) || Math.abs(greatest) * PADDING || 1;
  const from = mark === null ? Math.max(least - room, 0) : least - room; // a rate is never under 0
  return [from, mark === null ? Math.min(greatest + room, 1) : greatest + room];
}

function colours(node) {
  const style = getComputedStyle(node);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const accent = of("accent");
  return { accent, band: `${accent}2e`, text: of("text"), quiet: of("quiet"), line: of("line") };
}
