// What a prediction came to, in words.

import { named } from "../base/format.js";

const CLASSES = 6;
const LEFT = 0; // the status of a request whose client left before it was answered

/** Whether a detection reaches the operating point; one without a confidence does. */
export const counts = (confidence, threshold) => confidence === null || confidence >= threshold;

export const whose = ({ model, version }) => named(model, version);

export const score = (confidence) => (confidence === null ? "–" : confidence.toFixed(2));

/** [text, whether it is bad] of the status and what was wrong. */
export function outcome({ status, error, undecodable }) {
  const text = status === LEFT ? "client left" : String(status);
  if (error) return [`${text}, ${error.replaceAll("_", " ")}`, true];
  if (undecodable) return [`${text}, unreadable: ${undecodable.replaceAll("_", " ")}`, true];
  return [text, status >= 400 || status === LEFT];
}

/** Detections by class, the most frequent first; empty without any. */
export function classesOf(detections) {
  const found = new Map();
  for (const { label } of detections) found.set(label, (found.get(label) || 0) + 1);
  const sorted = [...found].sort((one, other) => other[1] - one[1]);
  const names = sorted.map(([label, n]) => (n > 1 ? `${label} ×${n}` : label));
  const rest = names.length - CLASSES;
  return rest > 0 ? `${names.slice(0, CLASSES).join(", ")} and ${rest} more` : names.join(", ");
}

/** The same of those at the operating point of a prediction. */
export function seen({ detections, score_threshold: threshold }) {
  if (detections === null) return "not known what was seen";
  return classesOf(detections.filter(({ confidence }) => counts(confidence, threshold))) || "nothing";
}

/** From the least to the most sure of them; empty without any. */
export function confidencesOf(detections) {
  const found = detections.map(({ confidence }) => confidence).filter((one) => one !== null);
  if (!found.length) return "";
  const [low, high] = [Math.min(...found), Math.max(...found)].map((one) => one.toFixed(2));
  return low === high ? low : `${low} – ${high}`;
}

export const pageOf = (id) => `/predictions/${encodeURIComponent(id)}`;
