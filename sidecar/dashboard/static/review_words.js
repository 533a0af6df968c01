// What is told of an image under review, and of how far the review has come.

import { moment, plural } from "./format.js";

export const QUEUES = { value: "by value", audit: "audit" };
export const DONE = { confirm: "Correct", label: "Saved", reject: "Rejected", skip: "Skipped" };

/** Of an image of the audit nothing is told that could sway who reviews it. */
export function factsOf(item, queue) {
  const isAudit = queue === "audit" || item.queue === "audit";
  const model = item.version ? `${item.model}@${item.version}` : item.model || "unnamed";
  const facts = [{ text: isAudit ? "drawn at random; who answered is hidden" : model }];
  facts.push({ text: `seen ${moment(item.at)}`, at: item.at });
  facts.push({ text: `boxes from a score of ${item.score_threshold.toFixed(2)}` });
  if (!isAudit) facts.push({ text: `value ${item.value.toFixed(2)}` });
  if (!isAudit && item.reasons) facts.push({ text: item.reasons.join(", ").replaceAll("_", " ") });
  if (item.width && item.height) facts.push({ text: `${item.width} × ${item.height} px` });
  return facts;
}

export function progressOf({ dataset, reviewed, skipped, queue }) {
  const parts = [`${plural(reviewed, "image", "images")} reviewed now`];
  if (skipped.length) parts.push(`${skipped.length} skipped`);
  if (queue === "audit") parts.push(`${dataset.audit.reviewed} of ${dataset.audit.sampled} drawn are reviewed`);
  else parts.push(`${plural(waitingByValue(dataset), "image waits", "images wait")}`);
  return parts.join(" · ");
}

/** What waits in the queue by value: what is not of the audit. */
export function waitingByValue({ by_status: status, audit }) {
  return Math.max(status.needs_review + status.in_review - audit.waiting, 0);
}

export function nothingText(reviewed, stuck) {
  if (stuck) return `The next image could not be had: ${stuck}. Press Enter to try again.`;
  const done = reviewed ? ` You have reviewed ${plural(reviewed, "image", "images")}.` : "";
  return `Nothing is left to review in this queue.${done}`;
}
