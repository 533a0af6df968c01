// What changed from one version of a dataset to another.

import { drawing, element, scroller } from "../base/dom.js";
import { count } from "../base/format.js";
import { reviewOf, smallOf } from "../review/thumb.js";

const EXAMPLES = 12;
const CHANGES = [["added", "+"], ["removed", "−"], ["relabeled", "±"]];

/** `diff` is a VersionDiff of the dataset `datasetId`; the nodes that show it. */
export function changesOf(diff, datasetId) {
  const counts = element("ul", undefined, "facts");
  const parts = [];
  for (const [kind, sign] of CHANGES) {
    counts.append(element("li", `${sign}${count(diff[kind])} ${kind}`, diff[kind] ? kind : "quiet"));
    if (diff.examples[kind].length) parts.push(examplesOf(kind, diff.examples[kind], diff[kind], datasetId));
  }
  const classes = Object.entries(diff.classes);
  return classes.length ? [counts, classTable(classes), ...parts] : [counts, ...parts];
}

const signed = (n) => (n === 0 ? "0" : `${n > 0 ? "+" : "−"}${count(Math.abs(n))}`);

function classTable(classes) {
  const most = Math.max(...classes.flatMap(([, { before, after }]) => [before, after]), 1);
  const body = element("tbody");
  for (const [name, { before, after }] of classes) {
    const row = element("tr");
    const heading = element("th", name);
    heading.scope = "row";
    const chart = element("td", undefined, "chart");
    chart.append(pairOf(before / most, after / most));
    const change = element("td", signed(after - before), `number ${after === before ? "quiet" : ""}`);
    row.append(heading, chart, element("td", count(before), "number"), element("td", count(after), "number"), change);
    body.append(row);
  }
  const top = element("tr");
  for (const [text, kind] of [["Boxes of", ""], ["", "chart"], ["Before", "number"], ["Now", "number"], ["Change", "number"]]) {
    const cell = element(text ? "th" : "td", text, kind);
    if (text) cell.scope = "col";
    top.append(cell);
  }
  const head = element("thead");
  head.append(top);
  const table = element("table");
  table.append(head, body);
  const made = scroller("Boxes by class, before and after");
  made.append(table);
  return made;
}

/** Two bars over each other: before, and now. */
function pairOf(before, after) {
  const picture = drawing("svg", { viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" });
  picture.append(
    drawing("rect", { y: 0, width: 100 * before, height: 5, class: "before" }),
    drawing("rect", { y: 6, width: 100 * after, height: 6, class: "after" }),
  );
  return picture;
}

function examplesOf(kind, ids, n, dataset) {
  const made = element("div", undefined, "examples");
  made.append(element("p", `${kind}:`, "small quiet"));
  const list = element("ul");
  for (const id of ids.slice(0, EXAMPLES)) {
    const item = element("li");
    const link = element("a");
    link.href = reviewOf({ id, dataset_id: dataset });
    link.append(imageOf(id), element("span", id));
    item.append(link);
    list.append(item);
  }
  made.append(list);
  if (n > EXAMPLES) made.append(element("p", `and ${count(n - EXAMPLES)} more`, "small quiet"));
  return made;
}

/** The image, as long as there is one: what was removed may be deleted. */
function imageOf(id) {
  const image = element("img");
  image.alt = "";
  image.loading = "lazy";
  image.addEventListener("error", () => image.remove());
  image.src = smallOf(id);
  return image;
}
