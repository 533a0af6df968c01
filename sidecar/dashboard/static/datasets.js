// Datasets: how far the review of each has come, its versions, and what can be done with them.

import { LoggedOut, Refused } from "./api.js";
import { DatasetCard } from "./dataset_card.js";
import { newDataset } from "./dataset_forms.js";
import { byId, place, setText, showText } from "./dom.js";
import { plural } from "./format.js";
import { versionIds } from "./model_ids.js";

const cards = new Map(); // dataset id -> its card
let datasets = [];
let turn = 0; // goes up with each action: what was asked before it is out of date

/** `found` is the answer of /api/v1/datasets, `models` that of /api/v1/models. */
export async function refreshDatasets(found, models) {
  const asked = turn;
  const [{ items }] = await Promise.all([found, models.then(keepModels, () => {})]);
  if (asked !== turn) return;
  datasets = items;
  showDatasets();
  await loadOpen();
}

/** Makes the button work; `jobBegan(job)` is called with a training job that was begun here. */
export function startDatasets(jobBegan) {
  DatasetCard.jobBegan = jobBegan;
  byId("datasets-new").addEventListener("click", begin);
}

function keepModels(models) {
  DatasetCard.modelIds = versionIds(models);
}

async function begin() {
  const fault = byId("datasets-new-fault");
  showText(fault, "");
  try {
    const made = await newDataset();
    if (!made) return;
    changed(made);
    const card = cards.get(made.id);
    card.node.open = true;
    card.node.scrollIntoView({ block: "nearest" });
    card.summary.focus({ preventScroll: true });
  } catch (error) {
    if (error instanceof LoggedOut) location.assign("/login");
    else showText(fault, `This could not be asked just now: ${error.message}`);
  }
}

function changed(dataset) {
  turn += 1;
  datasets = [dataset, ...datasets.filter(({ id }) => id !== dataset.id)].sort(byName);
  showDatasets();
}

const byName = (one, other) => one.name.localeCompare(other.name) || one.id.localeCompare(other.id);

function showDatasets() {
  datasets.sort(byName);
  for (const dataset of datasets) {
    if (!cards.has(dataset.id)) cards.set(dataset.id, new DatasetCard(dataset, changed));
    cards.get(dataset.id).show(dataset);
  }
  place(byId("datasets"), datasets.map(({ id }) => cards.get(id).node));
  for (const id of [...cards.keys()]) if (!datasets.some((dataset) => dataset.id === id)) cards.delete(id);
  setText(byId("datasets-count"), datasets.length ? plural(datasets.length, "dataset", "datasets") : "");
  showText(
    byId("datasets-empty"),
    datasets.length ? "" : "There is no dataset yet. The first image that is kept makes one for its model.",
  );
}

/** Reads what is inside of those that are open; what the sidecar refuses is said in the card. */
async function loadOpen() {
  const open = [...cards.values()].filter(({ node }) => node.open);
  const read = await Promise.allSettled(open.map((card) => card.load()));
  const lost = read.find(({ status, reason }) => status === "rejected" && !(reason instanceof Refused));
  if (lost) throw lost.reason;
}
