// What was done to images, as lines: who did what, and whether it was taken back.

import { element, stamp } from "../base/dom.js";
import { moment, plural } from "../base/format.js";
import { reviewOf } from "../review/thumb.js";

const WORDS = {
  label: "labeled",
  confirm: "confirmed",
  reject: "rejected",
  undo: "took back on",
  import: "imported labels of",
  delete: "deleted",
};

/** Claims come and go with every image, and are not told. */
export const isTold = ({ action }) => action in WORDS;

export function makeEvent({ at, by, action, item_id: id, dataset_id: dataset, after }) {
  const made = element("li");
  const link = element("a", id);
  if (action !== "delete") link.href = reviewOf({ id, dataset_id: dataset });
  const who = element("span");
  who.append(element("strong", by || "somebody"), ` ${WORDS[action]} `, link, detailOf(action, after));
  made.append(stamp(at, moment(at)), who, element("span", "", "tag"));
  return made;
}

export function fillEvent(node, { undone }) {
  const mark = node.lastElementChild;
  mark.textContent = undone === null ? "" : "taken back";
  mark.hidden = undone === null;
}

function detailOf(action, after) {
  if (action === "reject" && after.reason) return `: ${after.reason}`;
  if ((action === "label" || action === "import") && Array.isArray(after.labels)) {
    return `: ${after.labels.length ? plural(after.labels.length, "box", "boxes") : "nothing in it"}`;
  }
  return "";
}
