// What is told of an image under review, and of how far the review has come.

import { moment, plural } from "../base/format.js";
import { paceText } from "./pace.js";

export const QUEUES = { value: "by value", audit: "audit" };
export const SHOWN = {
  names: "Boxes and their names are shown.",
  boxes: "Boxes are shown without their names.",
  nothing: "The image is shown without boxes.",
};
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
  if (item.reviewed_by) facts.push({ text: `${item.status} by ${item.reviewed_by}; saving corrects it`, kind: "warn" });
  return facts;
}

export function progressOf({ dataset, left, reviewed, skipped, queue, pace, isSingle }) {
  if (isSingle) return "one image, opened by its address";
  const parts = [`${plural(reviewed, "image", "images")} reviewed now`];
  if (skipped.length) parts.push(`${skipped.length} skipped`);
  const { audit } = dataset;
  if (queue === "audit") parts.push(`${audit.sampled - left} of ${audit.sampled} drawn are reviewed`);
  else parts.push(`${plural(left, "image waits", "images wait")}`);
  const how = paceText(pace.each_ms, left);
  return (how ? [...parts, how] : parts).join(" · ");
}

/** How far a queue has come, 0 to 1. */
export function shareOf({ dataset, left, queue }) {
  const { audit, by_status: status } = dataset;
  const all = queue === "audit" ? audit.sampled : status.labeled + status.rejected + waitingByValue(dataset);
  return all ? 1 - Math.min(left / all, 1) : 0;
}

/** What waits in the queue by value: what is not of the audit. */
export function waitingByValue({ by_status: status, audit }) {
  return Math.max(status.needs_review + status.in_review - audit.waiting, 0);
}

export function nothingText({ reviewed, isSingle }, stuck) {
  if (isSingle && !stuck) return "That was the image. Enter goes on with the queue, Esc closes.";
  if (stuck) return `The next image could not be had: ${stuck}. Press Enter to try again.`;
  const done = reviewed ? ` You have reviewed ${plural(reviewed, "image", "images")}.` : "";
  return `Nothing is left to review in this queue.${done}`;
}
