// A kept image, small, with its boxes: labels where there are some, else what was predicted.

import { drawing, element, setText } from "../base/dom.js";

const STATUSES = {
  needs_review: ["to review", ""],
  in_review: ["in review", "warn"],
  labeled: ["labeled", "good"],
  rejected: ["rejected", "bad"],
};
const VERDICTS = {
  correct: "correct",
  wrong_label: "wrong label",
  wrong_box: "wrong box",
  false_positive: "false positive",
  missed_object: "missed object",
};
const CLASSES = 3;
const BOXES_MAX = 60; // more are not told apart so small

export const smallOf = (id) => `/api/v1/samples/${encodeURIComponent(id)}/image?width=320`;

/** Where an item can be looked at and reviewed. */
export const reviewOf = ({ id, dataset_id: dataset }) => `/review?${new URLSearchParams({ dataset, item: id })}`;

/** What stands for the image: [{label, box}]. */
function boxesOf({ labels, detections, score_threshold: threshold }) {
  if (labels) return labels;
  return (detections || []).filter(({ score }) => score === null || score >= threshold);
}

export function makeThumb() {
  const node = element("figure", undefined, "thumb");
  const link = element("a", undefined, "frame");
  const caption = element("figcaption");
  caption.append(element("span", "", "what"), element("span", "", "quiet small"));
  node.append(link, caption);
  return node;
}

/** Fills a thumb with an item; `note` is a second line. */
export function fillThumb(node, item, note = noteOf(item)) {
  const [link, caption] = node.children;
  const boxes = boxesOf(item);
  const text = contentOf(boxes);
  link.href = reviewOf(item);
  link.setAttribute("aria-label", `${statusOf(item)}: ${text}, ${item.id}`);
  const width = item.width || 640;
  const height = item.height || 480;
  link.replaceChildren(pictureOf({ id: item.id, width, height }, boxes), signOf(item));
  setText(caption.firstChild, text);
  caption.firstChild.title = text;
  setText(caption.lastChild, note);
}

export function pictureOf({ id, width, height }, boxes) {
  const picture = drawing("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  picture.append(drawing("image", { href: smallOf(id), width, height, preserveAspectRatio: "xMidYMid meet" }));
  for (const { box } of boxes.slice(0, BOXES_MAX)) {
    const [x1, y1, x2, y2] = box.map((edge) => edge || 0);
    picture.append(drawing("rect", { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0) }));
  }
  return picture;
}

function signOf({ status }) {
  const [text, kind] = STATUSES[status];
  return element("span", text, `sign ${kind}`);
}

const statusOf = ({ status }) => STATUSES[status][0];

/** "car ×2, bus": the most frequent first. */
function contentOf(boxes) {
  if (!boxes.length) return "nothing in it";
  const counts = new Map();
  for (const { label } of boxes) counts.set(label, (counts.get(label) || 0) + 1);
  const sorted = [...counts].sort((one, other) => other[1] - one[1]);
  const shown = sorted.slice(0, CLASSES).map(([label, n]) => (n > 1 ? `${label} ×${n}` : label));
  const rest = sorted.length - shown.length;
  return [...shown, ...(rest ? [`and ${rest} more`] : [])].join(", ");
}

/** What was said of it, else why it was kept; of an image of the audit that is nobody's business. */
function noteOf({ verdict, reviewed_by: by, reasons, queue, value, split }) {
  if (by) return [verdict ? VERDICTS[verdict] : "", `by ${by}`, split].filter((text) => text).join(" · ");
  if (queue === "audit" || !reasons) return "for the audit";
  return `${reasons.join(", ").replaceAll("_", " ")} · value ${value.toFixed(2)}`;
}
