// One version of a dataset: what is in it, what changed since its parent, and the ways it can leave.

import { get, LoggedOut } from "./api.js";
import { titleOf } from "./dataset_forms.js";
import { element, scroller, showLines, showText, tableOf } from "./dom.js";
import { bytes, count, moment, plural } from "./format.js";

const FORMATS = [
  ["coco", "COCO"],
  ["yolo", "YOLO"],
  ["voc", "Pascal VOC"],
  ["label_studio", "Label Studio"],
  ["fiftyone", "FiftyOne"],
  ["cvat", "CVAT"],
];
const EXAMPLES = 12;
const CHANGES = [["added", "+"], ["removed", "−"], ["relabeled", "±"]];

export class VersionRow {
  /** `train(button, version)` is called when the version is to be trained on. */
  constructor(train) {
    this.node = element("li", undefined, "version");
    this.title = element("h5");
    this.facts = element("ul", undefined, "facts");
    this.exports = element("p", undefined, "exports");
    this.train = element("button", "Train");
    this.train.type = "button";
    this.train.addEventListener("click", () => train(this.train, this.version));
    this.changes = element("details", undefined, "changes");
    this.line = element("summary");
    this.found = element("div");
    this.fault = element("p", "", "refused");
    this.fault.hidden = true;
    this.changes.append(this.line, this.fault, this.found);
    this.changes.addEventListener("toggle", () => this.changes.open && this.loadChanges());
    const head = element("div", undefined, "head-of");
    head.append(this.title, this.train);
    this.node.append(head, this.facts, this.exports, this.changes);
  }

  show(version, parent) {
    this.version = version;
    this.address = `/api/v1/dataset-versions/${encodeURIComponent(version.id)}`;
    this.title.replaceChildren(titleOf(version));
    if (version.name) this.title.append(element("span", version.id, "tag"));
    this.train.setAttribute("aria-label", `Train: ${titleOf(version)}`);
    showLines(this.facts, factsOf(version, parent));
    this.exports.replaceChildren(
      element("span", "Export: ", "quiet"),
      ...FORMATS.map(([format, text]) => exportLink(this.address, format, text, version)),
    );
    this.changes.hidden = version.parent_id === null;
    this.line.textContent = `What changed since ${parent}`;
  }

  /** A version never changes, and so neither does what it changed: it is read once. */
  async loadChanges() {
    if (this.diff) return;
    showText(this.fault, "");
    try {
      this.diff = await get(`${this.address}/diff`);
      this.found.replaceChildren(...changesOf(this.diff));
    } catch (error) {
      if (error instanceof LoggedOut) location.assign("/login");
      else showText(this.fault, `This could not be read just now: ${error.message}`);
    }
  }
}

function exportLink(address, format, text, version) {
  const link = element("a", text);
  link.href = `${address}/export?format=${format}`;
  link.download = `${version.id}-${format}.zip`;
  return link;
}

function factsOf({ created_at: at, by, items, bytes: size, counts, content, warnings = [] }, parent) {
  const facts = [{ text: `${moment(at)}${by ? `, by ${by}` : ""}`, at }];
  facts.push({ text: `${plural(items, "image", "images")}, ${plural(counts.boxes, "box", "boxes")}, ${bytes(size)}` });
  const splits = Object.entries(counts.splits).map(([name, { images }]) => `${name} ${count(images)}`);
  facts.push({ text: splits.join(" · ") });
  const classes = Object.keys(counts.classes).length;
  facts.push({ text: plural(classes, "class", "classes") });
  if (parent) facts.push({ text: `follows ${parent}` });
  for (const text of warnings) facts.push({ text, kind: "warn" });
  if (counts.deleted) {
    facts.push({ text: `${plural(counts.deleted, "image was", "images were")} deleted since`, kind: "warn" });
  }
  facts.push({ text: `SHA-256 ${content.slice(0, 12)}…` });
  return facts;
}

function changesOf(diff) {
  const counts = element("ul", undefined, "facts");
  const parts = [];
  for (const [kind, sign] of CHANGES) {
    counts.append(element("li", `${sign}${count(diff[kind])} ${kind}`, diff[kind] ? "" : "quiet"));
    if (diff.examples[kind].length) parts.push(examplesOf(kind, diff.examples[kind], diff[kind]));
  }
  const classes = Object.entries(diff.classes);
  if (!classes.length) return [counts, ...parts];
  const rows = classes.map(([name, { before, after }]) => [name, count(before), count(after), signed(after - before)]);
  const table = scroller("Boxes by class, before and after");
  table.append(tableOf(["Boxes of", "Before", "Now", "Change"], rows));
  return [counts, table, ...parts];
}

const signed = (n) => (n === 0 ? "0" : `${n > 0 ? "+" : "−"}${count(Math.abs(n))}`);

function examplesOf(kind, ids, n) {
  const made = element("p", `${kind}: `, "small quiet examples");
  made.append(
    ...ids.slice(0, EXAMPLES).flatMap((id, place) => {
      const link = element("a", id);
      link.href = `/api/v1/items/${encodeURIComponent(id)}`;
      return place ? [", ", link] : [link];
    }),
  );
  if (n > EXAMPLES) made.append(`, and ${count(n - EXAMPLES)} more`);
  return made;
}
