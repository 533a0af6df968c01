// All datasets: how far the review of each has come. Each leads to its own page.

import { LoggedOut, toLogin } from "../base/api.js";
import { arrange, badge, bar, byId, element, setText, showText } from "../base/dom.js";
import { bytes, count, plural } from "../base/format.js";
import { newDataset } from "./forms.js";

export const pageOf = (id) => `/datasets/${encodeURIComponent(id)}`;

let datasets = [];
let turn = 0; // goes up with each action: what was asked before it is out of date

/** `found` is the answer of /api/v1/datasets. */
export async function refreshDatasets(found) {
  const asked = turn;
  const { items } = await found;
  if (asked !== turn) return;
  datasets = items;
  show();
}

export function startDatasets() {
  byId("all").hidden = false;
  byId("datasets-new").addEventListener("click", begin);
}

async function begin() {
  const fault = byId("datasets-new-fault");
  showText(fault, "");
  try {
    const made = await newDataset();
    if (!made) return;
    turn += 1;
    datasets = [made, ...datasets.filter(({ id }) => id !== made.id)];
    show();
    byId("datasets").querySelector(`a[data-id="${CSS.escape(made.id)}"]`).focus();
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else showText(fault, `This could not be asked just now: ${error.message}`);
  }
}

const byName = (one, other) => one.name.localeCompare(other.name) || one.id.localeCompare(other.id);

function show() {
  arrange(byId("datasets"), [...datasets].sort(byName), {
    key: ({ id }) => id,
    stamp: JSON.stringify,
    make: () => element("li", undefined, "card dataset"),
    fill,
  });
  setText(byId("datasets-count"), datasets.length ? plural(datasets.length, "dataset", "datasets") : "");
  const empty = "There is no dataset yet. The first image that is kept makes one for its model.";
  showText(byId("datasets-empty"), datasets.length ? "" : empty);
}

function fill(node, dataset) {
  const { id, name, items, by_status: status, versions, bytes: size } = dataset;
  const done = status.labeled + status.rejected;
  const left = status.needs_review + status.in_review;
  const title = element("h2");
  const link = element("a", name);
  link.href = pageOf(id);
  link.dataset.id = id;
  title.append(link);
  if (id !== name) title.append(element("span", id, "tag"));
  const word = left ? badge(`${count(left)} to review`, "half", "warn") : badge("All reviewed", "tick", "good");
  const head = element("div", undefined, "head-of");
  head.append(title, items ? word : badge("Empty", "ring", "quiet"));
  const progress = element("div", undefined, "progress");
  progress.hidden = items === 0;
  if (items) progress.append(bar(done / items), element("span", `${count(done)} of ${count(items)} reviewed`, "quiet"));
  const facts = element("ul", undefined, "facts");
  facts.append(...factsOf(dataset, size, versions).map((text) => element("li", text)));
  node.replaceChildren(head, progress, facts);
}

function factsOf({ items, by_status: status, classes }, size, versions) {
  const facts = [plural(items, "image", "images")];
  if (status.labeled) facts.push(`${count(status.labeled)} labeled`);
  if (status.rejected) facts.push(`${count(status.rejected)} rejected`);
  const named = Object.keys(classes).length;
  if (named) facts.push(plural(named, "class", "classes"));
  facts.push(versions ? plural(versions, "version", "versions") : "no version yet");
  if (size) facts.push(bytes(size));
  return facts;
}
