// A chart over time by uPlot: lines or stacked areas, upright marks, a crosshair that all charts of the page share, and
// a legend that tells what is under it. By keyboard: the arrow keys move the crosshair of the chart in focus.

import { axisTexts, axisWidth, timeTexts } from "../base/axes.js";
import { arrange, element, setText } from "../base/dom.js";
import { clock, moment } from "../base/format.js";
import { colourOf, coloursOf, dashOf, sample } from "./lines.js";
import { signsOf } from "./marks.js";

const HEIGHT = 180;
const DAY_S = 86400;
const LATELY = 0.05; // of the time that is shown: of a line that ended earlier the legend tells when
const FONT = "12px system-ui, sans-serif";
const SHARED = "overview";
const dark = matchMedia("(prefers-color-scheme: dark)");

export class TimeChart {
  /**
   * `text` writes a value, `unit` is that of the axis, `range([least, greatest])` is what is seen of the values,
   * `isStacked` draws areas.
   */
  constructor({ title, note, text, unit = "", range, isStacked = false }) {
    Object.assign(this, { title, text, unit, range, isStacked, plot: null, shown: null });
    this.node = element("figure", undefined, "chart");
    this.head = element("figcaption");
    this.when = element("span", "", "when quiet");
    this.head.append(element("strong", title), element("span", note || "", "quiet"), this.when);
    this.legend = element("ul", undefined, "legend");
    this.body = element("div", undefined, "plot");
    this.body.tabIndex = 0;
    this.body.setAttribute("role", "img");
    this.node.append(this.head, this.legend, this.body);
    this.body.addEventListener("keydown", (event) => this.pressed(event));
    this.body.addEventListener("blur", () => this.leave());
    new ResizeObserver(() => this.fit()).observe(this.body);
    dark.addEventListener("change", () => this.again());
  }

  /**
   * `lines` are [{name, values, number, told}], or of stacked areas from the bottom up, values being shares; `told` are
   * the columns that the legend tells, the values where it is left out. `marks` are [{at, sign}], those without a sign
   * being short; `span` is from when to when.
   */
  show({ at, lines, marks, span, summary }) {
    const before = this.shown;
    this.shown = { at, lines, marks, span };
    this.body.setAttribute("aria-label", `${this.title}: ${summary}. Arrow keys move along the time.`);
    const key = JSON.stringify(lines.map(({ name, number }) => [name, number]));
    if (!this.plot || !before || this.key !== key) {
      this.key = key;
      this.again();
    } else this.plot.setData(this.data());
    this.tell(this.plot.cursor.idx ?? null);
  }

  data() {
    const { at, lines } = this.shown;
    return [at, ...(this.isStacked ? stacked(lines) : lines.map(({ values }) => values))];
  }

  again() {
    if (!this.shown) return;
    if (this.plot) this.plot.destroy();
    this.plot = new uPlot(this.options(), this.data(), this.body);
  }

  fit() {
    const width = this.body.clientWidth;
    if (this.plot && width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  options() {
    const colour = coloursOf(this.node);
    const axis = { stroke: colour.quiet, font: FONT, grid: { stroke: colour.line, width: 1 } };
    const { lines } = this.shown;
    return {
      width: Math.max(this.body.clientWidth, 160),
      height: HEIGHT,
      padding: [18, 28, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        sync: { key: SHARED, scales: ["x", null], setSeries: false },
        points: { show: !this.isStacked },
      },
      scales: { x: { time: true, range: () => this.shown.span }, y: { range: (_, ...ends) => this.range(ends) } },
      axes: [
        { ...axis, ticks: { stroke: colour.line, size: 5 }, size: 30, gap: 4, space: 80, values: (_, at) => timeTexts(at) },
        { ...axis, ticks: { show: false }, size: axisWidth, values: (_, values) => axisTexts(values, this.unit) },
      ],
      series: [{}, ...lines.map((line) => (this.isStacked ? area(line, colour) : stroke(line, colour)))],
      bands: this.isStacked ? lines.slice(1).map((_, index) => ({ series: [index + 2, index + 1] })) : [],
      hooks: {
        drawAxes: [(plot) => this.drawMarks(plot, colour)],
        setCursor: [(plot) => this.tell(plot.cursor.idx ?? null)],
      },
    };
  }

  drawMarks(plot, colour) {
    const { ctx, bbox } = plot;
    const scale = devicePixelRatio;
    ctx.save();
    ctx.font = `600 ${10 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    const marks = this.shown.marks
      .map(({ at, sign }) => ({ sign, x: Math.round(plot.valToPos(at, "x", true)) }))
      .filter(({ x }) => x >= bbox.left && x <= bbox.left + bbox.width);
    for (const { x, sign } of marks) {
      ctx.beginPath();
      ctx.setLineDash(sign ? [3 * scale, 3 * scale] : []);
      ctx.strokeStyle = sign ? colour.text : colour.bad;
      ctx.lineWidth = sign ? scale : 2 * scale;
      ctx.moveTo(x, sign ? bbox.top : bbox.top - 5 * scale);
      ctx.lineTo(x, sign ? bbox.top + bbox.height : bbox.top);
      ctx.stroke();
    }
    ctx.fillStyle = colour.text;
    const widthOf = (text) => ctx.measureText(text).width;
    const signs = signsOf(marks.filter(({ sign }) => sign), widthOf, ctx.canvas.width);
    for (const { x, text } of signs) ctx.fillText(text, x, bbox.top - 7 * scale); // above the short marks
    ctx.restore();
  }

  /** Says in the legend what is at a point of time; null: the last there is of each, and of when that is. */
  tell(index) {
    const { at, lines } = this.shown;
    const ends = lines.map(({ values }) => lastOf(values));
    const end = Math.max(...ends);
    setText(this.when, index !== null ? this.timeOf(index) : end < 0 ? "" : `last: ${this.timeOf(end)}`);
    const textsAt = ({ values, told = [values] }, place) =>
      told.map((column) => (column[place] === null || column[place] === undefined ? "–" : this.text(column[place])));
    const items = lines.map((line, number) => {
      const place = index ?? ends[number];
      const isOld = index === null && place >= 0 && end - place > LATELY * at.length;
      return { line, texts: textsAt(line, place), then: isOld ? ` at ${this.timeOf(place)}` : "" };
    });
    if (this.isStacked) items.reverse();
    arrange(this.legend, items, {
      key: ({ line }) => JSON.stringify([line.name, line.number]),
      make: ({ line }) => {
        const item = element("li");
        const name = element("span", line.name, "name");
        name.title = line.name;
        item.append(sample(line.number, this.isStacked), name, element("span", "", "value"));
        return item;
      },
      fill: (item, { texts, then }) => setText(item.lastChild, texts.join(" · ") + then),
      stamp: ({ texts, then }) => texts.join() + then,
    });
  }

  /** When a bucket began: of buckets of a day the day. */
  timeOf(index) {
    const { at } = this.shown;
    if (!(at.length > 1 && at[1] - at[0] >= DAY_S)) return moment(at[index]);
    return new Date(at[index] * 1000).toLocaleDateString(undefined, { day: "numeric", month: "short" });
  }

  pressed(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (event.key === "Escape") return this.leave();
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const { at } = this.shown;
    const now = this.plot.cursor.idx ?? at.length - 1;
    this.pointAt(at[Math.min(Math.max(now + step, 0), at.length - 1)]);
    this.body.setAttribute("aria-label", `${this.title}, ${this.when.textContent || clock(at[0])}: ${this.legendText()}`);
  }

  legendText() {
    return [...this.legend.children].map((item) => `${item.children[1].textContent} ${item.lastChild.textContent}`).join("; ");
  }

  /** Puts the crosshair of all charts at an instant. */
  pointAt(at) {
    const left = this.plot.valToPos(at, "x");
    this.plot.setCursor({ left: Math.max(left, 0), top: 10 }, true, true);
  }

  leave() {
    if (this.plot) this.plot.setCursor({ left: -10, top: -10 }, true, true);
  }
}

function stroke({ number }, colour) {
  const ink = colour.series[colourOf(number)];
  return { stroke: ink, width: 1.8, dash: dashOf(number), points: { show: true, filter: alone, size: 4, fill: ink, stroke: ink } };
}

function area({ number }, colour) {
  const fill = number === null ? colour.track : `${colour.series[number]}cc`;
  return { stroke: colour.card, width: 1, fill, points: { show: false } };
}

/** Which points have no neighbour, so that no line shows them. */
function alone(plot, series) {
  const values = plot.data[series];
  const found = [];
  const has = (index) => values[index] !== null && values[index] !== undefined;
  for (let index = 0; index < values.length; index++) {
    if (has(index) && !has(index - 1) && !has(index + 1)) found.push(index);
  }
  return found;
}

/** Each line on top of those before it. */
function stacked(lines) {
  const sums = [];
  let below = null;
  for (const { values } of lines) {
    below = values.map((value, index) => (value === null ? null : value + (below ? below[index] : 0)));
    sums.push(below);
  }
  return sums;
}

/** Where the last value is, -1 without any. */
function lastOf(values) {
  for (let index = values.length - 1; index >= 0; index--) if (values[index] !== null) return index;
  return -1;
}
