// What is normal for each model version, and how far the latest check found it from that.

import { get, Refused } from "../base/api.js";
import { arrange, byId, element, showText } from "../base/dom.js";
import { fillDriftCard } from "./card.js";
import { offerModels } from "./compare.js";

export const BASELINES = "/api/v1/baselines";
export const LATEST = "/api/v1/drift/checks?slice=&limit=1";
const ASK_AGAIN_MS = 60000;
const checks = new Map(); // model id -> its latest check, null where there is none
let newest = ""; // which check was the newest when they were read
let readAt = 0;

const idOf = (model, version) => (version ? `${model}@${version}` : model);

/** Shows the cards, and offers what they are of to the rest of the page. */
export async function refreshDrift(ask) {
  const [models, baselines, latest] = await Promise.all([ask("/api/v1/models"), ask(BASELINES), ask(LATEST)]);
  const versions = versionsOf(models, baselines.items);
  await readChecks(versions, latest.items[0]);
  const entries = versions.map((version) => entryOf(version, baselines.items));
  const rule = entries.some((entry) => entry.baseline === null) ? await baselineRule() : null;
  arrange(byId("drift"), entries.map((entry) => ({ ...entry, rule })), {
    key: (entry) => entry.id,
    stamp: JSON.stringify,
    make: () => element("article", undefined, "card"),
    fill: fillDriftCard,
  });
  const ids = versions.map(({ id }) => id);
  offerModels([...new Set([...ids, ...versions.map(({ model }) => model)])].sort(), baselines.items);
  showText(byId("drift-empty"), entries.length ? "" : "No model has had traffic yet: there is nothing to call normal.");
}

/** Every version that served, or is remembered by a baseline; what the sidecar can't name is left out. */
export function versionsOf(models, baselines) {
  const found = new Map();
  for (const { model, version } of [...models.recorded, ...models.figures, ...baselines]) {
    if (model) found.set(idOf(model, version), { id: idOf(model, version), model, version });
  }
  return [...found.values()].sort((one, other) => one.id.localeCompare(other.id, undefined, { numeric: true }));
}

/** Reads the latest check of every version again where there is a newer one than last time, or a version more. */
async function readChecks(versions, latest) {
  const mark = latest ? `${latest.model_id} ${latest.checked_at}` : "";
  const known = versions.every((version) => checks.has(version.id));
  if (known && mark === newest && Date.now() - readAt < ASK_AGAIN_MS) return;
  const found = await Promise.all(versions.map(latestCheck));
  versions.forEach((version, index) => checks.set(version.id, found[index]));
  newest = mark;
  readAt = Date.now();
}

async function latestCheck({ id, version }) {
  // A bare name asks for all versions of a model: the one without a version may not be the newest.
  const path = `/api/v1/drift/checks?slice=&model_id=${encodeURIComponent(id)}&limit=${version ? 1 : 20}`;
  try {
    const page = await get(path);
    return page.items.find((check) => check.model_id === id) || null;
  } catch (error) {
    if (error instanceof Refused && error.status < 500 && error.status !== 403) return null; // nothing is recorded of it
    throw error;
  }
}

/** A version is judged by its own latest baseline, else by the latest of another version of its model. */
function entryOf(version, baselines) {
  const check = checks.get(version.id) || null;
  const ofModel = baselines
    .filter((baseline) => baseline.model === version.model)
    .sort((one, other) => other.created_at - one.created_at);
  const own = ofModel.filter((baseline) => baseline.version === version.version);
  return {
    ...version,
    check,
    baseline: own[0] || ofModel[0] || null,
    others: Math.max(own.length - 1, 0),
    checkedAgainst: (check && baselines.find((baseline) => baseline.baseline_id === check.baseline_id)) || null,
  };
}

/** What the settings say about baselines: {baseline: "auto" or "off", baseline_period: seconds}. */
async function baselineRule() {
  const settings = await get("/api/v1/settings");
  return settings.drift || null;
}
