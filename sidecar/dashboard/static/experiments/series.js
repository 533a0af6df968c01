// What is drawn of a test over time: one line with its bounds, made of what the API tells of its history.

import { axisTexts } from "../base/axes.js";
import { number, offBy, percent } from "../base/format.js";
import { labelOf } from "./ab_results.js";

const OFF = { share: "points", ms: "ms" }; // what differences of these are in

/**
 * A series is {key, label, mark, points, says, axis}: `points` are {at, value, low, high, n}, null where nothing is
 * known; `mark` is the value of no difference (null: there is no such), `says(value)` tells a value in words,
 * `axis(values)` those of an axis.
 */
export function abSeries(history) {
  const found = [];
  for (const { variant, metrics } of history.comparisons) {
    for (const one of Object.values(metrics)) found.push(metricSeries(variant, one));
  }
  return found;
}

function metricSeries(variant, { metric, unit, confidence_sequence_of: of, points }) {
  const ratio = of === "ratio";
  return {
    key: `${variant} ${metric}`,
    label: labelOf(metric),
    what: ratio ? `${labelOf(metric)}: the new version's over control's` : `${labelOf(metric)}: the difference to control`,
    mark: ratio ? 1 : 0,
    axis: (values) => (ratio ? axisTexts(values, "times") : axisTexts(values, OFF[unit] || "", true)),
    says: ratio ? (value) => `${number(value)} times` : (value) => offBy(unit, value),
    points: points.map(({ at, n, difference, ratio: times, low, high, p_value_lowest: p }) => ({
      at,
      value: ratio ? times : difference,
      low,
      high,
      p,
      n: `${number(n.model_a)} and ${number(n.model_b)}`,
    })),
  };
}

const RATES = {
  image_rate: "Images alike",
  missed_rate: "Boxes missed",
  extra_rate: "Extra boxes",
  flip_rate: "Classes flipped",
};
const SHIFTS = { confidence_shift: ["Confidence", "confidence"], latency_difference_ms: ["Latency", "ms"] };

export function shadowSeries({ points }) {
  const rates = Object.entries(RATES).map(([key, label]) => ({
    key,
    label,
    what: label,
    mark: null,
    axis: (values) => axisTexts(values, "share"),
    says: percent,
    points: points.map((one) => ({ at: one.at, value: one[key], low: null, high: null, p: null, n: number(one.images) })),
  }));
  const shifts = Object.entries(SHIFTS).map(([key, [label, unit]]) => ({
    key,
    label,
    what: `${label}: the shadow's less what serves`,
    mark: 0,
    axis: (values) => axisTexts(values, OFF[unit] || "", true),
    says: (value) => offBy(unit, value),
    points: points.map((one) => {
      const { difference, low, high, p_value: p } = one[key];
      return { at: one.at, value: difference, low, high, p, n: number(one.requests) };
    }),
  }));
  return [...rates, ...shifts];
}

/** "+1.2 ms, between −0.3 and 2.4" */
export function pointText({ value, low, high }, { says, mark }) {
  if (value === null) return "nothing known yet";
  if (mark === null) return says(value); // a rate is what it was, and not bounded
  if (low === null && high === null) return `${says(value)}, not bounded yet`;
  if (low === null) return `${says(value)}, at most ${says(high)}`;
  if (high === null) return `${says(value)}, at least ${says(low)}`;
  return `${says(value)}, between ${says(low)} and ${says(high)}`;
}
