// Tests of versions, A/B and shadow: those under way first, those that ended folded away, each with a page of its own.

import { get, LoggedOut, Refused, toLogin } from "../base/api.js";
import { byId, place, setText, showText } from "../base/dom.js";
import { plural } from "../base/format.js";
import { versionIds } from "../base/model_ids.js";
import { newAbTest, newShadowTest } from "./forms.js";
import { TrialLine } from "./line.js";
import { hasEnded, pageOf } from "./words.js";

const LISTS = ["/api/v1/ab-tests", "/api/v1/shadow-tests"];
const EVERY_MS = 20000; // how often what a test came to so far is read
const ENDED = 30;
const ACTIVE = ["running", "paused"];
const lines = new Map(); // kind and id -> its line
let tests = [];
let modelIds = [];
let servingIds = [];

/** `models` is the answer that the forms suggest versions from: without it they suggest those of tests alone. */
export async function refreshTrials(models) {
  const [found] = await Promise.all([Promise.all(LISTS.map((path) => get(path))), models.then(keepModels, () => {})]);
  tests = found.flatMap((list) => list.items).sort(newestFirst);
  showTrials();
  await loadResults();
}

/** Makes the buttons and the fold work. */
export function startTrials() {
  byId("trials-new-ab").addEventListener("click", () => begin(newAbTest));
  byId("trials-new-shadow").addEventListener("click", () => begin(newShadowTest));
  byId("trials-ended-fold").addEventListener("toggle", () => loadResults().catch(() => {})); // the next refresh says it
}

function keepModels(found) {
  modelIds = versionIds(found);
  servingIds = found.items.filter(({ serving, versions }) => serving && versions.length).map(({ id, serving }) => `${id}@${serving}`);
}

/** Versions that were seen, and those of tests. */
function knownIds() {
  const ofTests = tests.flatMap(({ serving, shadow, variants = [shadow] }) => [serving, ...variants.map(({ id }) => id)]);
  return [...new Set([...modelIds, ...ofTests.filter((id) => id.includes("@"))])].sort();
}

/** Asks for a new test by `form`, and goes to its page. */
async function begin(form) {
  const fault = byId("trials-new-fault");
  showText(fault, "");
  try {
    const test = await form(knownIds(), servingIds);
    if (test) location.assign(pageOf(test));
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else showText(fault, `This could not be asked just now: ${error.message}`);
  }
}

const keyOf = ({ kind, id }) => `${kind} ${id}`;
const newestFirst = (one, other) => other.created_at - one.created_at;
const isActive = (test) => !hasEnded(test);

function lineOf(test) {
  const key = keyOf(test);
  if (!lines.has(key)) lines.set(key, new TrialLine(test));
  return lines.get(key);
}

const endedShown = () => tests.filter(hasEnded).slice(0, ENDED);

function showTrials() {
  const active = tests.filter(isActive);
  const ended = endedShown();
  for (const test of [...active, ...ended]) lineOf(test).show(test);
  place(byId("trials"), active.map((test) => lineOf(test).node));
  place(byId("trials-ended"), ended.map((test) => lineOf(test).node));
  const rest = tests.length - active.length;
  byId("trials-ended-fold").hidden = rest === 0;
  setText(byId("trials-ended-count"), plural(rest, "test that has ended", "tests that have ended"));
  showText(byId("trials-ended-rest"), rest > ENDED ? `The last ${ENDED} are shown; the API has them all.` : "");
  setText(byId("trials-count"), countsText(active));
  showText(byId("trials-empty"), emptyText(active.length, rest));
  const shown = new Set([...active, ...ended].map(keyOf));
  for (const key of [...lines.keys()]) if (!shown.has(key)) lines.delete(key);
}

function countsText(active) {
  return ACTIVE.map((status) => [status, active.filter((test) => test.status === status).length])
    .filter(([, n]) => n > 0)
    .map(([status, n]) => `${n} ${status}`)
    .join(", ");
}

function emptyText(active, ended) {
  if (active) return "";
  if (ended) return "No test is under way.";
  return "No two versions have been compared yet. An A/B test splits the traffic; a shadow test only copies it.";
}

/** Reads what tests came to: of those under way now and then, of what ended once, when it is looked at. */
async function loadResults() {
  const ended = byId("trials-ended-fold").open ? endedShown() : [];
  const due = [...tests.filter(isActive), ...ended].map(lineOf).filter((line) => line.isDue(EVERY_MS));
  const read = await Promise.allSettled(due.map((line) => line.load()));
  // Results that are refused are said on the page of their test.
  const lost = read.find(({ status, reason }) => status === "rejected" && !(reason instanceof Refused));
  if (lost) throw lost.reason;
}
