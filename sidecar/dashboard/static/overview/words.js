// What the figures of the overview are called, and how they are written.

import { milliseconds, named, offBy, percent, rate } from "../base/format.js";

const NONE = "–";
const fixed = (digits) => (value) => (value === null ? NONE : value.toFixed(digits));

/** By its field: name, text of a value, unit of differences, and whether more of it is worse. */
export const FIGURES = {
  request_rate: { name: "Rate", text: rate, unit: "" },
  error_rate: { name: "Errors", text: percent, unit: "share", isWorse: true },
  p50_latency_ms: { name: "p50", text: milliseconds, unit: "ms", isWorse: true },
  p90_latency_ms: { name: "p90", text: milliseconds, unit: "ms", isWorse: true },
  p99_latency_ms: { name: "p99", text: milliseconds, unit: "ms", isWorse: true },
  avg_confidence: { name: "Confidence", text: fixed(2), unit: "" },
  detections_per_image: { name: "Detections per image", text: fixed(2), unit: "" },
  no_detection_rate: { name: "Without any", text: percent, unit: "share" },
};

export const idOf = ({ model, version }) => named(model, version);
export const keyOf = ({ model, version, role }) => JSON.stringify([model, version, role]);

/** What a version is called beside others: what serves nobody says so. */
export const nameOf = (item) => (item.role === "serving" ? idOf(item) : `${idOf(item)} (${item.role})`);

/** How far a value is from what it was, in words; "" where one of both is not known. Of what grows without a bound
 * the part of what it was is told, of all else the difference. */
export function differenceOf(field, now, before) {
  if (!before || now[field] === null || before[field] === null) return "";
  const difference = now[field] - before[field];
  if (field === "request_rate") {
    if (!before[field]) return "";
    const part = Math.round((100 * difference) / before[field]);
    return part === 0 ? "±0 %" : `${part < 0 ? "−" : "+"}${Math.abs(part).toLocaleString()} %`;
  }
  if (field === "avg_confidence" || field === "detections_per_image") {
    const size = Math.abs(difference).toFixed(2);
    return Number(size) === 0 ? "±0" : `${difference < 0 ? "−" : "+"}${size}`;
  }
  const { unit } = FIGURES[field];
  const rounded = unit === "ms" ? Number(difference.toPrecision(2)) : Math.round(difference * 1e4) / 1e4;
  return rounded === 0 ? "±0" : offBy(unit, rounded);
}

/** What a range is compared with, of {previous, baseline}, and what that is called. */
export function referenceOf(totals, compare) {
  if (compare === "baseline") return [totals.baseline, "normal"];
  return [totals.previous.requests ? totals.previous : null, "before"];
}
