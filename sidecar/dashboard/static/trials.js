// Tests of versions, A/B and shadow: those under way first, those that ended folded away, each with its results.

import { get, LoggedOut, Refused } from "./api.js";
import { byId, place, setText, showText } from "./dom.js";
import { plural } from "./format.js";
import { versionIds } from "./model_ids.js";
import { TrialCard } from "./trial_card.js";
import { newAbTest, newShadowTest } from "./trial_forms.js";

const LISTS = ["/api/v1/ab-tests", "/api/v1/shadow-tests"];
const FOLDED_EVERY_MS = 30000; // how often the results of a test are read that nobody has opened
const ENDED = 30;
const ACTIVE = ["running", "paused"];
const cards = new Map(); // kind and id -> its card
let tests = [];
let modelIds = [];
let turn = 0; // goes up with each action: what was asked before it is out of date

/** `models` and `status` are the answers that other sections wait for too: what fails there is said there. */
export async function refreshTrials(models, status) {
  const asked = turn;
  const [found] = await Promise.all([
    Promise.all(LISTS.map(get)),
    models.then(keepModels, () => {}),
    status.then(({ samples }) => TrialCard.keepSamples(samples), () => {}),
  ]);
  if (asked !== turn) return;
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
}

/** Versions that were seen, and those of tests. */
function knownIds() {
  const ofTests = tests.flatMap(({ serving, shadow, variants = [shadow] }) => [serving, ...variants.map(({ id }) => id)]);
  return [...new Set([...modelIds, ...ofTests.filter((id) => id.includes("@"))])].sort();
}

/** Asks for a new test by `form`, and opens it. */
async function begin(form) {
  const fault = byId("trials-new-fault");
  showText(fault, "");
  try {
    const test = await form(knownIds());
    if (test) showNew(test);
  } catch (error) {
    if (error instanceof LoggedOut) location.assign("/login");
    else showText(fault, `This could not be asked just now: ${error.message}`);
  }
}

function showNew(test) {
  changed(test);
  const card = cards.get(keyOf(test));
  card.node.open = true;
  card.node.scrollIntoView({ block: "nearest" });
  card.summary.focus({ preventScroll: true });
}

function changed(test) {
  turn += 1;
  tests = [test, ...tests.filter((other) => keyOf(other) !== keyOf(test))].sort(newestFirst);
  showTrials();
  cardOf(test).load().catch(() => {}); // the next refresh says it
}

const keyOf = ({ kind, id }) => `${kind} ${id}`;
const newestFirst = (one, other) => other.created_at - one.created_at;
const isActive = (test) => ACTIVE.includes(test.status);

function cardOf(test) {
  const key = keyOf(test);
  if (!cards.has(key)) cards.set(key, new TrialCard(test, changed));
  return cards.get(key);
}

const endedShown = () => tests.filter((test) => !isActive(test)).slice(0, ENDED);

function showTrials() {
  const section = byId("trials-section");
  const inside = section.contains(document.activeElement);
  const active = tests.filter(isActive);
  const ended = endedShown();
  for (const test of [...active, ...ended]) cardOf(test).show(test);
  place(byId("trials"), active.map((test) => cardOf(test).node));
  place(byId("trials-ended"), ended.map((test) => cardOf(test).node));
  const rest = tests.length - active.length;
  byId("trials-ended-fold").hidden = rest === 0;
  setText(byId("trials-ended-count"), plural(rest, "test that has ended", "tests that have ended"));
  showText(byId("trials-ended-rest"), rest > ENDED ? `The last ${ENDED} are shown; the API has them all.` : "");
  setText(byId("trials-count"), countsText(active));
  showText(byId("trials-empty"), emptyText(active.length, rest));
  const shown = new Set([...active, ...ended].map(keyOf));
  for (const key of [...cards.keys()]) if (!shown.has(key)) cards.delete(key);
  // A test that ended under the hands, and was folded away, takes its focus with it.
  if (inside && (document.activeElement === document.body || !document.activeElement.checkVisibility())) {
    byId("trials-title").focus({ preventScroll: true });
  }
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

/** Reads the results that may have changed: of what is open each time, of the rest now and then, of what ended once. */
async function loadResults() {
  const ended = byId("trials-ended-fold").open ? endedShown() : [];
  const due = [...tests.filter(isActive), ...ended].map(cardOf).filter((card) => card.isDue(FOLDED_EVERY_MS));
  const read = await Promise.allSettled(due.map((card) => card.load()));
  const lost = read.find(({ status, reason }) => status === "rejected" && !(reason instanceof Refused));
  if (lost) throw lost.reason;
}
