// One dataset: what is in it, how far its review is, and what can be done with it.

import { get, LoggedOut, Refused, toLogin } from "../base/api.js";
import { arrange, bar, byId, element, figure, setText, showLines, showText } from "../base/dom.js";
import { bytes, count, moment, plural } from "../base/format.js";
import { askName, keepName } from "../base/name.js";
import { datasetAddress, importLabels, newVersion, titleOf } from "./forms.js";

const CLASSES = 12;
let dataset = null;
let address = "";
let busy = false;
let changed = async () => {};

/** The dataset that a page's path names, null where it names none. */
export function idOf(path) {
  const [, id] = /^\/datasets\/([^/]+)$/.exec(path) || [];
  return id === undefined ? null : decodeURIComponent(id);
}

export const known = () => dataset;

/** `again()` reads anew what a version or an import has changed. */
export function startOne(id, again) {
  changed = again;
  address = datasetAddress(id);
  byId("one").hidden = false;
  setText(byId("one-title"), id);
  byId("one-make").addEventListener("click", ({ target }) => act(target, makeVersion));
  byId("one-import").addEventListener("click", ({ target }) => act(target, takeLabels));
}

/** `found` is the answer of /api/v1/datasets/ID. */
export async function refreshOne(found) {
  try {
    dataset = await found;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) byId("one-facts").hidden = true;
    throw error;
  }
  show();
}

function show() {
  const { id, name, by_status: status, items } = dataset;
  document.title = `${name} – Datasets – Inference sidecar`;
  setText(byId("one-title"), name);
  showText(byId("one-id"), id === name ? "" : id);
  byId("one-review").href = `/review?${new URLSearchParams({ dataset: id })}`;
  byId("one-make").disabled = status.labeled === 0;
  for (const action of ["make", "import"]) {
    const button = byId(`one-${action}`);
    button.setAttribute("aria-label", `${button.textContent}: ${name}`);
  }
  byId("one-facts").hidden = false;
  showText(byId("one-empty"), "");
  fillFigures(byId("one-figures"), figuresOf(dataset));
  showAudit(dataset.audit);
  showLines(byId("one-about"), aboutOf(dataset));
  showClasses(dataset);
  byId("one").classList.toggle("bare", items === 0);
}

function figuresOf({ items, by_status: status, classes, bytes: size }) {
  const boxes = Object.values(classes).reduce((sum, n) => sum + n, 0);
  return [
    ["Images", count(items)],
    ["To review", count(status.needs_review + status.in_review)],
    ["Labeled", count(status.labeled)],
    ["Rejected", count(status.rejected)],
    ["Boxes in labels", count(boxes)],
    ["On disk", bytes(size)],
  ];
}

function fillFigures(list, figures) {
  arrange(list, figures, {
    key: ([term]) => term,
    stamp: ([, value]) => value,
    make: ([term, value]) => figure(term, value),
    fill: (node, [, value]) => setText(node.lastChild, value),
  });
}

function showAudit({ sampled, reviewed }) {
  const node = byId("one-audit");
  node.hidden = sampled === 0;
  const text = `audit: ${count(reviewed)} of ${plural(sampled, "drawn image", "drawn images")} reviewed`;
  node.replaceChildren(bar(sampled ? reviewed / sampled : 0), element("span", text, "quiet"));
}

function aboutOf({ created_at: at, origin, versions, by_status: status }) {
  const how = origin === "auto" ? "made for a model's first image" : "made by a person";
  const facts = [{ text: `${how}, ${moment(at)}`, at }];
  facts.push({ text: versions ? plural(versions, "version", "versions") : "no version yet" });
  if (status.in_review) facts.push({ text: `${count(status.in_review)} in review now` });
  return facts;
}

function showClasses({ classes }) {
  const found = Object.entries(classes).sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0]));
  const most = found.length ? found[0][1] : 0;
  const shown = found.slice(0, CLASSES).map(([name, n]) => ({ name, n, share: n / most }));
  const rest = found.slice(CLASSES).reduce((sum, [, n]) => sum + n, 0);
  if (rest) shown.push({ name: `${found.length - CLASSES} more`, n: rest, share: Math.min(rest / most, 1) });
  arrange(byId("classes"), shown, {
    key: ({ name }) => name,
    stamp: JSON.stringify,
    make: () => element("li"),
    fill: fillClass,
  });
  byId("classes-empty").hidden = found.length > 0;
  byId("classes").hidden = found.length === 0;
}

function fillClass(row, { name, n, share }) {
  const label = element("span", name, "name");
  label.title = name;
  row.replaceChildren(label, bar(share), element("span", count(n), "count"));
}

/** Does what a button is for; what goes wrong is said beside it. */
export async function act(button, request) {
  if (busy || !dataset) return;
  busy = true;
  button.setAttribute("aria-busy", "true");
  showText(byId("one-act-fault"), "");
  showText(byId("one-result"), "");
  showLines(byId("one-left"), []);
  try {
    await request();
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else showText(byId("one-act-fault"), `${button.textContent} failed: ${error.message}`);
  } finally {
    busy = false;
    button.removeAttribute("aria-busy");
  }
}

/** Asks by `form`, with who acts; null where it was left. */
export async function asked(form) {
  const by = await askName();
  const answer = by ? await form(by) : null;
  if (answer) keepName(by);
  return answer;
}

async function makeVersion() {
  const { items: versions } = await get(`${address}/versions`);
  const made = await asked((by) => newVersion(dataset, versions, by));
  if (!made) return;
  const isOld = versions.some(({ id }) => id === made.id);
  const text = `${titleOf(made)} is made, of ${plural(made.items, "image", "images")}.`;
  showText(byId("one-result"), isOld ? `Nothing has changed: this is ${titleOf(made)} already.` : text);
  await changed();
}

async function takeLabels() {
  const taken = await asked((by) => importLabels(dataset, by));
  if (!taken) return;
  const parts = [plural(taken.labeled, "image labeled", "images labeled")];
  if (taken.unchanged) parts.push(`${count(taken.unchanged)} had these labels already`);
  if (taken.unknown) parts.push(`${count(taken.unknown)} not of this dataset`);
  showText(byId("one-result"), `${parts.join(", ")}.`);
  const left = taken.faults.map(({ field, message }) => ({ text: `left out: ${field}: ${message}`, kind: "warn" }));
  showLines(byId("one-left"), left);
  await changed();
}
