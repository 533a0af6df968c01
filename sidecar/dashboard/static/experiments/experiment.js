// One test of versions, at an address of its own.

import { get, Refused } from "../base/api.js";
import { byId, place, showText } from "../base/dom.js";
import { runPage } from "../base/page.js";
import { PairsView } from "./pairs.js";
import { TrialView } from "./view.js";
import { KINDS } from "./words.js";

const [, , path, id] = location.pathname.split("/");
const kind = Object.keys(KINDS).find((one) => KINDS[one].path === path);
const address = `/api/v1/${path}/${id}`; // as the address has it: encoded already
let view = null;
let pairs = null;
let samples = null;
let turn = 0; // goes up with each action: what was asked before it is out of date

async function refresh(status) {
  const asked = turn;
  if (!kind) return showMissing();
  try {
    const [test] = await Promise.all([get(address), status.then(keepSamples, () => {})]);
    if (asked !== turn) return;
    show(test);
  } catch (error) {
    if (error instanceof Refused && error.status === 404 && !view) return lookElsewhere();
    throw error;
  }
  const shown = () => asked === turn && show(view.test);
  await Promise.all([view.load().then(shown), view.overTime.load().then(shown), pairs ? pairs.load() : null]);
}

function show(test) {
  if (!view) begin(test);
  document.title = `${test.name} – Inference sidecar`;
  byId("experiment-empty").hidden = true;
  view.show(test, samples);
}

function begin(test) {
  view = new TrialView(test, byId("experiment-title"), changed);
  const nodes = [view.node];
  if (test.kind === "shadow_test") {
    pairs = new PairsView(test);
    nodes.push(pairs.node);
  }
  place(byId("experiment"), [...nodes, view.found]);
}

function changed(test) {
  turn += 1;
  show(test);
  view.load().then(() => show(view.test), () => {}); // the next refresh says it
}

function keepSamples(status) {
  samples = status.samples;
}

/** A link may know the test and not its kind: where the other kind has one of this id, that is shown. */
async function lookElsewhere() {
  const other = Object.values(KINDS).find((one) => one.path !== path).path;
  try {
    await get(`/api/v1/${other}/${id}`);
    location.replace(`/experiments/${other}/${id}`);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) showMissing();
    else throw error;
  }
}

function showMissing() {
  const what = kind ? `There is no ${KINDS[kind].tag} test here` : "There is nothing here";
  showText(byId("experiment-empty"), `${what}: it may have been removed. All tests are on the page Experiments.`);
}

runPage({ sections: { experiment: (ask) => refresh(ask("/api/v1/status")) } });
