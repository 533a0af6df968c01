// How the results of a test came to be: a line with its bounds, what of it is pointed at, and whether units came as they
// were to be split.

import { get, Refused } from "../base/api.js";
import { drawing, element, scroller, showText, tableOf } from "../base/dom.js";
import { moment, part, pValue } from "../base/format.js";
import { labelOf } from "./ab_results.js";
import { BandChart } from "./chart.js";
import { abSeries, pointText, shadowSeries } from "./series.js";
import { apiOf } from "./words.js";

const EVERY_MS = 30000;
const ROWS = 12;
const SRM_P = 0.001;

export class OverTime {
  constructor(test) {
    this.address = `${apiOf(test)}/history`;
    this.isAb = test.kind === "ab_test";
    this.names = Object.fromEntries((test.variants || []).map(({ variant, id }) => [variant, id]));
    this.histories = new Map(); // what was asked -> {history, readAt}
    this.version = 0;
    this.node = element("section", undefined, test.kind === "ab_test" ? "part half over-time" : "part over-time");
    this.makeParts(test);
    this.chart = new BandChart(this.picture, (index) => this.point(index));
  }

  makeParts(test) {
    const head = element("div", undefined, "over-time-head");
    this.picker = element("select");
    this.picker.setAttribute("aria-label", "Shown over time");
    this.picker.append(...this.choices(test).map(([value, text]) => new Option(text, value)));
    this.picker.addEventListener("change", () => this.picked());
    head.append(element("h2", "Over time"), this.picker);
    this.readout = element("p", "Reading…", "readout");
    this.picture = element("div", undefined, "over-time-picture");
    this.picture.setAttribute("role", "img");
    this.legend = legend();
    this.fault = element("p", "", "refused");
    this.fault.hidden = true;
    this.units = element("p", "", "quiet");
    this.notes = element("ul", undefined, "limitations quiet");
    this.table = element("details");
    this.frame = scroller("The same in a table");
    this.table.append(element("summary", "The same in a table"), this.frame);
    this.node.append(head, this.readout, this.picture, this.legend, this.fault, this.units, this.notes, this.table);
  }

  /** [[key, text], ...] of what there is to choose from, the primary metric first. */
  choices(test) {
    if (!this.isAb) return shadowSeries({ points: [] }).map(({ key, label }) => [key, label]);
    const treatments = test.variants.slice(1);
    return treatments.flatMap(({ variant, id }) =>
      test.metrics.map((metric) => [
        `${variant} ${metric}`,
        treatments.length > 1 ? `${labelOf(metric)} of ${id}` : labelOf(metric),
      ]),
    );
  }

  get asked() {
    return this.isAb ? `?metric=${this.picker.value.split(" ").at(-1)}` : "";
  }

  part(test, results) {
    this.test = test;
    this.frozen = results.frozen;
    const data = [this.version, this.picker.value, test.epochs.length];
    return { name: "over time", data, make: () => this.node, fill: () => this.draw() };
  }

  /** Reads it anew where that may tell more. */
  async load() {
    const { asked } = this;
    const known = this.histories.get(asked);
    if (known && (known.history.frozen || Date.now() - known.readAt < EVERY_MS)) return;
    try {
      this.histories.set(asked, { history: await get(this.address + asked), readAt: Date.now() });
      showText(this.fault, "");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      showText(this.fault, `This could not be read just now: ${error.message}`);
    }
    this.version += 1;
  }

  async picked() {
    this.draw();
    try {
      await this.load();
    } catch {
      return; // the next refresh says it
    }
    this.draw();
  }

  draw() {
    const known = this.histories.get(this.asked);
    const series = known && this.seriesOf(known.history).find(({ key }) => key === this.picker.value);
    const isDrawn = Boolean(series && series.points.some(({ value }) => value !== null));
    this.picture.hidden = !isDrawn;
    this.legend.hidden = !isDrawn || series.mark === null;
    this.table.hidden = !isDrawn;
    this.series = isDrawn ? series : null;
    if (isDrawn) {
      this.chart.show(series, this.marks());
      this.chart.fit();
      this.fillTable(series);
    }
    const nothing = known ? "Nothing to draw yet: it begins once both have answered." : "Reading…";
    this.empty = this.fault.hidden ? nothing : "";
    this.point(null);
    showText(this.units, known && this.isAb ? this.unitsText(known.history) : "");
    const said = known ? known.history.limitations : [];
    this.notes.hidden = said.length === 0;
    this.notes.replaceChildren(...said.map((text) => element("li", text)));
  }

  seriesOf(history) {
    return this.isAb ? abSeries(history) : shadowSeries(history);
  }

  /** Says what the point of `index` is; that of now where there is none. */
  point(index) {
    if (!this.series) {
      showText(this.readout, this.empty || "");
      return;
    }
    const { points, what } = this.series;
    const one = points[index === null ? points.length - 1 : index];
    const when = index === null && this.test.ended_at === null ? "now" : moment(one.at);
    const p = one.p === null ? "" : `, p ${pValue(one.p)}`;
    const text = `${what}, ${when}: ${pointText(one, this.series)} (n ${one.n}${p})`;
    showText(this.readout, text);
    if (index === null) this.picture.setAttribute("aria-label", `${text}. All points are in the table below.`);
  }

  /** Where the split changed, with the share of all treatments from then on. */
  marks() {
    const names = this.isAb ? this.test.variants.slice(1).map(({ variant }) => variant) : [this.test.shadow.variant];
    return this.test.epochs.slice(1).map(({ since, shares }) => ({
      at: since,
      text: part(names.reduce((sum, name) => sum + (shares[name] || 0), 0)),
    }));
  }

  fillTable(series) {
    const { points, label } = series;
    const step = Math.ceil(points.length / ROWS);
    const shown = points.filter((_, index) => (points.length - 1 - index) % step === 0).reverse();
    const rows = shown.map((one) => [moment(one.at), one.n, pointText(one, series), one.p === null ? "–" : pValue(one.p)]);
    this.frame.replaceChildren(tableOf(["At", "n", label, "Lowest p so far"], rows));
  }

  unitsText({ srm }) {
    if (!srm.length) return "";
    const off = srm.find(({ p_value_lowest: p }) => p < SRM_P);
    if (off) return `Units have not come as they were to be split since ${moment(off.at)} at the latest (p ${pValue(off.p_value_lowest)}).`;
    return `Units came as they were to be split all the time: the lowest p was ${pValue(srm.at(-1).p_value_lowest)}.`;
  }
}

function legend() {
  const made = element("ul", undefined, "legend quiet");
  for (const [className, text] of [
    ["value", "estimate"],
    ["band", "confidence sequence: holds at every look"],
    ["none", "no difference"],
    ["change", "another split, from then on"],
  ]) {
    const item = element("li");
    const sign = drawing("svg", { viewBox: "0 0 22 10", "aria-hidden": "true", class: className });
    const shape = className === "band" ? ["rect", { width: 22, height: 10 }] : ["path", { d: D[className] || "M0 5H22" }];
    sign.append(drawing(...shape));
    item.append(sign, text);
    made.append(item);
  }
  return made;
}

const D = { change: "M11 0V10" };
