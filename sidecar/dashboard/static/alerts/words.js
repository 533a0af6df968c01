// What an alert watches, and when it fires, in words.

import { inUnit, number, percent } from "../base/format.js";

const NAMES = {
  avg_confidence: "Average confidence",
  p50_latency_ms: "Latency, 50 % of requests",
  p90_latency_ms: "Latency, 90 % of requests",
  p95_latency_ms: "Latency, 95 % of requests",
  p99_latency_ms: "Latency, 99 % of requests",
  error_rate: "Failed requests",
  request_rate: "Requests per second",
  detections_per_image: "Detections per image",
  no_detection_rate: "Images without detections",
  class_share: "Share of one class",
  undecodable_rate: "Unreadable answers",
  slow_rate: "Slow requests",
  feedback_score: "Feedback that says correct",
  class_drift: "Drift of the class mix",
  confidence_drift: "Drift of confidence",
  count_drift: "Drift of detections per image",
  box_drift: "Drift of boxes",
  input_drift: "Drift of input images",
  significant_drift: "Any significant drift",
  new_class: "New classes",
  dropped: "Lost by monitoring",
  backlog: "Waiting to be recorded",
  guardrail_stops: "Stops by a guardrail",
};

export const OPERATORS = {
  lt: "is below",
  lte: "is at most",
  gt: "is above",
  gte: "is at least",
  anomaly: "is unusual for the hour",
};

export const COMPARED = {
  value: "a fixed value",
  baseline_ratio: "the baseline, times a factor",
  baseline_difference: "the baseline, plus a difference",
};

export const metricName = (metric) => NAMES[metric] || metric;

/** A threshold as a person reads it; `metric` is the catalogue's line. */
export function thresholdText({ threshold, compare = "value" }, metric) {
  if (compare === "baseline_ratio") return `${number(threshold)} times the baseline's`;
  if (compare === "baseline_difference") {
    const unit = metric && metric.unit === "share" ? `${number(Math.abs(threshold) * 100)} points` : number(Math.abs(threshold));
    return `the baseline's ${threshold < 0 ? "less" : "plus"} ${unit}`;
  }
  return valueText(threshold, metric);
}

/** A value in the unit of its metric, with the unit that its name doesn't say. */
export function valueText(value, metric) {
  const unit = metric ? metric.unit : "";
  if (unit === "share" && value !== null) return Number.isInteger(value * 100) ? `${number(value * 100)} %` : percent(value);
  return inUnit(unit, value) + (unit === "requests/s" ? " requests/s" : "");
}

const WORDS = { lt: "below", lte: "at most", gt: "above", gte: "at least", anomaly: "unusual for the hour" };

/** "Average confidence below 0.7, over 1h, for 10m". */
export function conditionText(condition, metric) {
  const { class: label, operator, window, for: lasting } = condition;
  const subject = label ? `${metricName(condition.metric)}, ${label},` : metricName(condition.metric);
  const edge =
    operator === "anomaly"
      ? ` (more than ${number(condition.sensitivity || 4)} standard deviations)`
      : ` ${thresholdText(condition, metric)}`;
  const over = metric && metric.source === "drift" ? `in a check of the past ${window}` : `over ${window}`;
  return `${subject} ${WORDS[operator]}${edge}, ${over}${lasting ? `, for ${lasting}` : ""}`;
}
