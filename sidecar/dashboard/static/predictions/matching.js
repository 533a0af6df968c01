// Which detections the filters hold for, as the API judges it: one at or above the score threshold, of the class and
// with the confidence that are asked for.

import { counts } from "./words.js";

const nameOf = (label) => label.replaceAll("\n", " "); // as the API compares them

/** A test of (detection, score threshold); null where the filters ask for no detection. */
export function matcherOf({ label, min_confidence: low, max_confidence: high }) {
  if (!label && low === undefined && high === undefined) return null;
  // as they were recorded, in 32 bits: what is shown as 0.9 is not below 0.9
  const [least, most] = [Math.fround(low ?? -Infinity), Math.fround(high ?? Infinity)];
  const isWithin = (confidence) =>
    confidence === null ? low === undefined && high === undefined : Math.fround(confidence) >= least && Math.fround(confidence) <= most;
  return (one, threshold) =>
    counts(one.confidence, threshold) && isWithin(one.confidence) && (!label || nameOf(one.label) === nameOf(label));
}

/** [those it holds for, the others] of the detections that reach the score threshold. */
export function parted({ detections, score_threshold: threshold }, matches) {
  const reached = (detections || []).filter(({ confidence }) => counts(confidence, threshold));
  const found = new Set(matches ? reached.filter((one) => matches(one, threshold)) : []);
  return [[...found], reached.filter((one) => !found.has(one))];
}
