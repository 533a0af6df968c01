// The charts of the overview: which there are, and what of the answer each of them draws.

import { byId, element } from "../base/dom.js";
import { milliseconds, number, percent, share } from "../base/format.js";
import { TimeChart } from "./chart.js";
import { LINES_MAX, numberOf } from "./lines.js";
import { nameOf } from "./words.js";

const LATENCIES = { p50: "p50_latency_ms", p90: "p90_latency_ms", p99: "p99_latency_ms" };
const fromZero = ([, most]) => [0, most ? most * 1.08 : 1];
const shares = ([, most]) => [0, Math.min(Math.max(most * 1.15, 0.01), 1)];
const two = (value) => value.toFixed(2);

/** What is between the least and the greatest value, and some room beside. */
function near([least, most]) {
  if (least === null || most === null) return [0, 1];
  const room = Math.max((most - least) * 0.15, 0.02);
  return [Math.max(least - room, 0), most + room];
}

const CHARTS = [
  { id: "requests", title: "Requests", note: "a second", field: "request_rate", text: number, range: fromZero },
  { id: "errors", title: "Errors", note: "share of requests", field: "error_rate", text: percent, unit: "share", range: shares },
  { id: "latency", title: "Latency", note: "p50 · p90 · p99", text: milliseconds, unit: "ms", range: fromZero },
  { id: "confidence", title: "Confidence", note: "mean of images", field: "avg_confidence", text: two, range: near },
  { id: "detections", title: "Detections per image", field: "detections_per_image", text: two, range: near },
];
const CLASSES = { title: "Classes", note: "share of detections", text: share, unit: "share", range: () => [0, 1], isStacked: true };
const made = new Map();

let quantile = "p90"; // which line of the latency is drawn; the legend tells all
let latest = null;

/** Draws the answer; `marks` are [{at, sign}]. */
export function showCharts(found, marks) {
  latest = [found, marks];
  const span = spanOf(found);
  for (const { id, field, ...how } of CHARTS) {
    const lines = found.series.slice(0, LINES_MAX).map((series) => {
      const line = { name: nameOf(series), number: numberOf(series), values: series[field || LATENCIES[quantile]] };
      return field ? line : { ...line, told: Object.values(LATENCIES).map((one) => series[one]) };
    });
    chart(id, how).show({ at: found.at, lines, marks, span, summary: summaryOf(lines, how.text, field ? "" : quantile) });
  }
  showClasses(found, marks, span);
}

/** Puts the crosshair at an instant; null: away. */
export function pointAt(at) {
  const [first] = made.values();
  if (!first || !first.plot) return;
  if (at === null) first.leave();
  else first.pointAt(at);
}

function chart(id, how) {
  if (!made.has(id)) {
    const fresh = new TimeChart(how);
    fresh.node.id = `chart-${id}`;
    made.set(id, fresh);
    byId("charts").append(fresh.node);
    if (id === "latency") fresh.head.append(quantiles());
  }
  return made.get(id);
}

function showClasses({ at, classes }, marks, span) {
  const whole = at.map((_, index) => classes.reduce((sum, { detections }) => sum + detections[index], 0));
  const lines = classes
    .map(({ label, is_rest, detections }, index) => ({
      name: is_rest ? "all others" : label,
      number: is_rest ? null : index,
      values: detections.map((n, place) => (whole[place] ? n / whole[place] : null)),
      total: detections.reduce((sum, n) => sum + n, 0),
    }))
    .reverse(); // the most frequent on top, as in the legend
  const all = lines.reduce((sum, { total }) => sum + total, 0);
  const words = [...lines].reverse().map(({ name, total }) => `${name} ${share(total / all)}`);
  const summary = all ? words.join(", ") : "no detections";
  chart("classes", CLASSES).show({ at, lines, marks, span, summary });
}

/** From when to when is drawn: where the record began within the time, from there on. */
function spanOf({ at, until, range, width_s }) {
  const begun = until - range.recorded_s;
  const isShort = range.recorded_s < 0.9 * (until - range.since);
  const since = isShort ? Math.max(begun - width_s, at[0]) : at[0];
  return [since, Math.max(until, since + width_s)];
}

/** Which quantile is drawn, to choose. */
function quantiles() {
  const choice = element("span", undefined, "switch small");
  choice.setAttribute("role", "radiogroup");
  choice.setAttribute("aria-label", "Latency that is drawn");
  for (const name of Object.keys(LATENCIES)) {
    const label = element("label");
    const input = element("input");
    Object.assign(input, { type: "radio", name: "quantile", value: name, checked: name === quantile });
    input.addEventListener("change", () => {
      quantile = name;
      showCharts(...latest);
    });
    label.append(input, element("span", name));
    choice.append(label);
  }
  return choice;
}

function summaryOf(lines, text, of) {
  const words = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    if (!known.length) return `${name} nothing`;
    const [last, least, most] = [known[known.length - 1], Math.min(...known), Math.max(...known)].map(text);
    return `${name} ${of} lately ${last}, from ${least} to ${most}`.replace("  ", " ");
  });
  return words.join("; ") || "nothing";
}
