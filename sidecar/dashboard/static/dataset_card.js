// One dataset: a line that says how far its review is, and inside what is in it, its versions and who did what.

import { get, LoggedOut, Refused } from "./api.js";
import { datasetAddress, importLabels, newTraining, newVersion, titleOf } from "./dataset_forms.js";
import { arrange, badge, bar, element, showLines, showText } from "./dom.js";
import { bytes, count, moment, plural } from "./format.js";
import { fillEvent, isTold, makeEvent } from "./item_events.js";
import { askName, keepName } from "./name.js";
import { VersionRow } from "./version_row.js";

const CLASSES = 8;
const EVENTS_READ = 60;
const EVENTS = 15;

export class DatasetCard {
  static modelIds = [];
  static jobBegan = () => {};

  /** `changed(dataset)` is called with the dataset as it is after an action. */
  constructor(dataset, changed) {
    this.address = datasetAddress(dataset.id);
    this.changed = changed;
    this.versions = null;
    this.rows = new Map(); // version id -> its row
    this.busy = false;
    this.node = element("details", undefined, "trial dataset");
    this.summary = element("summary");
    this.facts = element("ul", undefined, "facts");
    this.audit = element("div", undefined, "progress");
    this.fault = faultLine();
    this.result = element("p", "", "result");
    this.result.setAttribute("role", "status");
    this.result.hidden = true;
    this.left = element("ul", undefined, "warnings");
    this.left.hidden = true;
    this.make = this.button("Make a version", () => this.makeVersion());
    this.import = this.button("Import labels", () => this.importLabels());
    this.classes = element("ul", undefined, "classes");
    this.list = element("ul", undefined, "versions");
    this.none = element("p", "", "quiet");
    this.events = element("ol", undefined, "events");
    this.node.append(this.summary, this.inside());
    // What can't be read now is said by the next refresh.
    this.node.addEventListener("toggle", () => this.node.open && this.load().catch(() => {}));
  }

  inside() {
    const body = element("div", undefined, "inside");
    const actions = element("div", undefined, "actions");
    actions.append(this.make, this.import, this.fault);
    const parts = element("div", undefined, "parts");
    const events = element("details", undefined, "part");
    events.append(element("summary", "Who did what"), this.events);
    parts.append(
      partOf("Boxes in labels", this.classes),
      partOf("Versions", this.none, this.list),
      events,
    );
    body.append(this.facts, this.audit, actions, this.result, this.left, parts);
    return body;
  }

  button(text, act) {
    const made = element("button", text);
    made.type = "button";
    made.addEventListener("click", () => this.act(made, act));
    return made;
  }

  show(dataset) {
    this.dataset = dataset;
    const mark = JSON.stringify(dataset);
    if (this.mark === mark) return;
    this.mark = mark;
    this.showLine();
    for (const button of [this.make, this.import]) {
      button.setAttribute("aria-label", `${button.textContent}: ${dataset.name}`);
    }
    this.make.disabled = dataset.by_status.labeled === 0;
    showLines(this.facts, factsOf(dataset));
    this.showAudit();
    arrange(this.classes, classesOf(dataset), {
      key: ({ name }) => name,
      stamp: JSON.stringify,
      make: () => element("li"),
      fill: fillClass,
    });
    this.classes.parentElement.hidden = Object.keys(dataset.classes).length === 0;
  }

  showLine() {
    const { dataset } = this;
    const { needs_review: open, in_review: held } = dataset.by_status;
    const title = element("span", undefined, "title");
    title.append(element("strong", dataset.name));
    if (dataset.id !== dataset.name) title.append(element("span", dataset.id, "tag"));
    const what = element("span", undefined, "what quiet");
    what.append(...statusTexts(dataset).map((text) => element("span", text)));
    const left = open + held;
    const word = left ? badge(`${count(left)} to review`, "half", "warn") : badge("All reviewed", "tick", "good");
    this.summary.replaceChildren(title, what, dataset.items ? word : badge("Empty", "ring", "quiet"));
  }

  showAudit() {
    const { sampled, reviewed } = this.dataset.audit;
    this.audit.hidden = sampled === 0;
    this.audit.replaceChildren(
      bar(sampled ? reviewed / sampled : 0),
      element("span", `audit: ${count(reviewed)} of ${plural(sampled, "drawn image", "drawn images")} reviewed`, "quiet"),
    );
  }

  /** Reads versions and events; what the sidecar refuses is said in the card. */
  async load() {
    try {
      const [versions, events] = await Promise.all([
        get(`${this.address}/versions`),
        get(`${this.address}/events?limit=${EVENTS_READ}`),
      ]);
      this.showVersions(versions.items);
      arrange(this.events, events.items.filter(isTold).slice(0, EVENTS), {
        key: ({ id }) => id,
        stamp: ({ undone }) => String(undone),
        make: makeEvent,
        fill: fillEvent,
      });
      this.events.parentElement.hidden = events.items.filter(isTold).length === 0;
    } catch (error) {
      if (error instanceof Refused) showText(this.fault, `This could not be read just now: ${error.message}`);
      throw error;
    }
  }

  showVersions(versions) {
    this.versions = versions;
    const none = this.dataset.by_status.labeled
      ? "None yet. A version keeps what is labeled, for training and export."
      : "None yet: nothing is labeled.";
    showText(this.none, versions.length ? "" : none);
    arrange(this.list, versions, {
      key: ({ id }) => id,
      stamp: (version) => JSON.stringify([version, parentText(version, versions)]),
      make: (version) => this.rowOf(version).node,
      fill: (_, version) => this.rowOf(version).show(version, parentText(version, versions)),
    });
  }

  rowOf(version) {
    const train = (button, made) => this.act(button, () => this.train(made));
    if (!this.rows.has(version.id)) this.rows.set(version.id, new VersionRow(train));
    return this.rows.get(version.id);
  }

  async act(button, request) {
    if (this.busy) return;
    this.busy = true;
    button.setAttribute("aria-busy", "true");
    showText(this.fault, "");
    showText(this.result, "");
    showLines(this.left, []);
    try {
      await request();
    } catch (error) {
      if (error instanceof LoggedOut) location.assign("/login");
      else showText(this.fault, `${button.textContent} failed: ${error.message}`);
    } finally {
      this.busy = false;
      button.removeAttribute("aria-busy");
    }
  }

  /** Asks by `form`, with who acts; null where it was left. */
  async asked(form) {
    const by = await askName();
    const answer = by ? await form(by) : null;
    if (answer) keepName(by);
    return answer;
  }

  async makeVersion() {
    const { items: versions } = await get(`${this.address}/versions`);
    const made = await this.asked((by) => newVersion(this.dataset, versions, by));
    if (!made) return;
    const isOld = versions.some(({ id }) => id === made.id);
    const text = `${titleOf(made)} is made, of ${plural(made.items, "image", "images")}.`;
    showText(this.result, isOld ? `Nothing has changed: this is ${titleOf(made)} already.` : text);
    await this.readAgain();
  }

  async importLabels() {
    const taken = await this.asked((by) => importLabels(this.dataset, by));
    if (!taken) return;
    const parts = [plural(taken.labeled, "image labeled", "images labeled")];
    if (taken.unchanged) parts.push(`${count(taken.unchanged)} had these labels already`);
    if (taken.unknown) parts.push(`${count(taken.unknown)} not of this dataset`);
    showText(this.result, `${parts.join(", ")}.`);
    const left = taken.faults.map(({ field, message }) => ({ text: `left out: ${field}: ${message}`, kind: "warn" }));
    showLines(this.left, left);
    await this.readAgain();
  }

  async train(version) {
    const job = await this.asked((by) => newTraining(this.dataset, version, DatasetCard.modelIds, by));
    if (job) DatasetCard.jobBegan(job);
  }

  async readAgain() {
    this.changed(await get(this.address));
    await this.load();
  }
}

function faultLine() {
  const made = element("p", "", "refused");
  made.setAttribute("role", "alert");
  made.hidden = true;
  return made;
}

function partOf(title, ...nodes) {
  const made = element("div", undefined, "part");
  made.append(element("h4", title), ...nodes);
  return made;
}

function statusTexts({ items, by_status: status, versions }) {
  const parts = [plural(items, "image", "images")];
  if (status.labeled) parts.push(`${count(status.labeled)} labeled`);
  if (status.rejected) parts.push(`${count(status.rejected)} rejected`);
  return [...parts, versions ? plural(versions, "version", "versions") : "no version yet"];
}

function factsOf({ created_at: at, origin, bytes: size, by_status: status }) {
  const how = origin === "auto" ? "made for a model's first image" : "made by a person";
  return [
    { text: `${how}, ${moment(at)}`, at },
    { text: `${bytes(size)} of images` },
    { text: `${count(status.needs_review)} to review, ${count(status.in_review)} in review` },
  ];
}

function classesOf({ classes }) {
  const found = Object.entries(classes).sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0]));
  const most = found.length ? found[0][1] : 0;
  const shown = found.slice(0, CLASSES).map(([name, n]) => ({ name, n, share: n / most }));
  if (found.length <= CLASSES) return shown;
  const rest = found.slice(CLASSES).reduce((sum, [, n]) => sum + n, 0);
  return [...shown, { name: `${found.length - CLASSES} more`, n: rest, share: rest / most }];
}

function fillClass(row, { name, n, share }) {
  const label = element("span", name, "name");
  label.title = name;
  row.replaceChildren(label, bar(share), element("span", count(n), "count"));
}

function parentText({ parent_id: parent }, versions) {
  if (!parent) return "";
  const found = versions.find(({ id }) => id === parent);
  return found ? titleOf(found) : parent;
}
