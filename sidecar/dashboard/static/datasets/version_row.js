// One version of a dataset: what is in it, what changed since its parent, and the ways it can leave.

import { get, LoggedOut, toLogin } from "../base/api.js";
import { element, showLines, showText } from "../base/dom.js";
import { bytes, count, moment, plural } from "../base/format.js";
import { balanceOf } from "./balance.js";
import { changesOf } from "./changes.js";
import { titleOf } from "./forms.js";

const FORMATS = [
  ["coco", "COCO", "one JSON a split: most trainers read it"],
  ["yolo", "YOLO", "a text file an image: Ultralytics and Darknet"],
  ["voc", "Pascal VOC", "an XML file an image: older trainers, LabelImg"],
  ["label_studio", "Label Studio", "tasks with the model's boxes, to label on"],
  ["fiftyone", "FiftyOne", "to look through it in FiftyOne"],
  ["cvat", "CVAT", "XML, to label on in CVAT"],
];

export class VersionRow {
  /** `train(button, version)` is called when the version is to be trained on. */
  constructor(train) {
    this.node = element("li", undefined, "version");
    this.title = element("h3");
    this.facts = element("ul", undefined, "facts");
    this.exports = element("ul", undefined, "exports");
    this.train = element("button", "Train");
    this.train.type = "button";
    this.train.addEventListener("click", () => train(this.train, this.version));
    this.classes = element("div");
    this.changes = element("details", undefined, "changes");
    this.line = element("summary");
    this.found = element("div");
    this.fault = element("p", "", "refused");
    this.fault.hidden = true;
    this.changes.append(this.line, this.fault, this.found);
    this.changes.addEventListener("toggle", () => this.changes.open && this.loadChanges());
    const head = element("div", undefined, "head-of");
    head.append(this.title, this.train);
    const folds = element("div", undefined, "folds");
    folds.append(foldOf("Export", this.exports), foldOf("Classes by split", this.classes), this.changes);
    this.node.append(head, this.facts, folds);
  }

  show(version, parent) {
    this.version = version;
    this.address = `/api/v1/dataset-versions/${encodeURIComponent(version.id)}`;
    this.title.replaceChildren(titleOf(version));
    if (version.name) this.title.append(element("span", version.id, "tag"));
    this.train.setAttribute("aria-label", `Train: ${titleOf(version)}`);
    showLines(this.facts, factsOf(version, parent));
    this.exports.replaceChildren(...FORMATS.map((format) => exportItem(this.address, format, version)));
    this.classes.replaceChildren(balanceOf(version.counts));
    this.changes.hidden = version.parent_id === null;
    this.line.textContent = `What changed since ${parent}`;
  }

  /** A version never changes, and so neither does what it changed: it is read once. */
  async loadChanges() {
    if (this.diff) return;
    showText(this.fault, "");
    try {
      this.diff = await get(`${this.address}/diff`);
      this.found.replaceChildren(...changesOf(this.diff, this.version.dataset_id));
    } catch (error) {
      if (error instanceof LoggedOut) toLogin();
      else showText(this.fault, `This could not be read just now: ${error.message}`);
    }
  }
}

function foldOf(title, inside) {
  const made = element("details", undefined, "changes");
  made.append(element("summary", title), inside);
  return made;
}

function exportItem(address, [format, text, what], version) {
  const item = element("li");
  const link = element("a", text);
  link.href = `${address}/export?format=${format}`;
  link.download = `${version.id}-${format}.zip`;
  item.append(link, element("span", ` ${what}`, "quiet"));
  return item;
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
