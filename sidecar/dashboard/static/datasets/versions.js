// The versions of a dataset, and any two of them compared.

import { get, LoggedOut, toLogin } from "../base/api.js";
import { arrange, byId, element, setText, showText } from "../base/dom.js";
import { versionIds } from "../base/model_ids.js";
import { changesOf } from "./changes.js";
import { datasetAddress, newTraining, titleOf } from "./forms.js";
import { act, asked, known } from "./one.js";
import { VersionRow } from "./version_row.js";

const rows = new Map(); // version id -> its row
const diffs = new Map(); // "base with" -> what changed: versions never change, so it is read once
let address = "";
let modelIds = [];
let jobBegan = () => {};
let versions = [];

/** `began(job)` is called with a training job that was begun here. */
export function startVersions(id, began) {
  address = `${datasetAddress(id)}/versions`;
  jobBegan = began;
  for (const end of ["base", "with"]) byId(`compare-${end}`).addEventListener("change", compare);
  byId("compare-fold").addEventListener("toggle", compare);
  byId("compare-form").addEventListener("submit", (event) => event.preventDefault());
}

/** `models` is the answer of /api/v1/models. */
export async function refreshVersions(models) {
  const [{ items }] = await Promise.all([get(address), models.then(keepModels, () => {})]);
  versions = items;
  const parents = new Map(items.map((version) => [version.id, version]));
  const parentOf = ({ parent_id: id }) => (id ? titleOf(parents.get(id) || { name: id }) : "");
  arrange(byId("versions"), items, {
    key: ({ id }) => id,
    stamp: (version) => JSON.stringify([version, parentOf(version)]),
    make: (version) => rowOf(version).node,
    fill: (_, version) => rowOf(version).show(version, parentOf(version)),
  });
  byId("versions").hidden = items.length === 0;
  const dataset = known();
  const none = dataset && dataset.by_status.labeled
    ? "None yet. A version keeps what is labeled, for training and export."
    : "None yet: nothing is labeled.";
  showText(byId("versions-empty"), items.length ? "" : none);
  showChoices(items);
}

function keepModels(models) {
  modelIds = versionIds(models);
}

function rowOf(version) {
  if (!rows.has(version.id)) rows.set(version.id, new VersionRow((button, made) => act(button, () => train(made))));
  return rows.get(version.id);
}

async function train(version) {
  const job = await asked((by) => newTraining(known(), version, modelIds, by));
  if (job) jobBegan(job);
}

/** Which two are compared: at first the newest and the one before. */
function showChoices(items) {
  byId("compare-fold").hidden = items.length < 2;
  if (items.length < 2) return;
  for (const [end, place] of [["base", 1], ["with", 0]]) {
    const select = byId(`compare-${end}`);
    const isNew = select.options.length === 0;
    arrange(select, items, {
      key: ({ id }) => id,
      make: (version) => Object.assign(element("option"), { value: version.id }),
      fill: (option, version) => setText(option, version.name ? `${version.name} (${version.id})` : version.id),
      stamp: ({ name }) => name,
    });
    if (isNew) select.value = items[place].id;
  }
  compare();
}

async function compare() {
  const [base, other] = [byId("compare-base").value, byId("compare-with").value];
  const key = `${base} ${other}`;
  const fault = byId("compare-fault");
  const place = byId("compare");
  if (!byId("compare-fold").open || place.dataset.of === key) return;
  showText(fault, "");
  try {
    if (!diffs.has(key)) diffs.set(key, await get(diffPath(base, other)));
    if (key !== `${byId("compare-base").value} ${byId("compare-with").value}`) return; // others were chosen meanwhile
    const dataset = known();
    place.replaceChildren(...changesOf(diffs.get(key), dataset ? dataset.id : ""));
    place.dataset.of = key;
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else showText(fault, `This could not be read just now: ${error.message}`);
  }
}

function diffPath(base, other) {
  return `/api/v1/dataset-versions/${encodeURIComponent(other)}/diff?${new URLSearchParams({ base })}`;
}
