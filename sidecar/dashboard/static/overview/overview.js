// The overview: how models are over a time that is chosen, beside the time before or what is normal, and what changed.

import { get, getBegun, LoggedOut, NoAnswer, toLogin } from "../base/api.js";
import { byId, setText, showText } from "../base/dom.js";
import { clock, moment, plural } from "../base/format.js";
import { runPage, section } from "../base/page.js";
import { isLive, pathOf, RANGES, searchOf, viewOf } from "./asked.js";
import { showAttention } from "./attention.js";
import { showCharts } from "./charts.js";
import { takeFirst } from "./early.js";
import { marksOf, showEvents, startEvents } from "./events.js";
import { LINES_MAX } from "./lines.js";
import { showTable, startTable } from "./table.js";
import { showTiles } from "./tiles.js";
import { showVersions } from "./versions.js";
import { offerModels, showView, startView } from "./view.js";

const SLOW_MS = 60000; // how often a long time is asked for again
let view = viewOf(location.search);
let asked = 0; // the number of the latest question; of an earlier one the answer comes too late
let due = 0;
let modelsDue = 0;

function show(found) {
  const isEmpty = found.versions.length === 0;
  const isBare = isEmpty && !view.model && found.range.recorded_s === 0 && found.previous.recorded_s === 0;
  byId("overview").hidden = isEmpty;
  byId("start").hidden = !isBare;
  showText(byId("overview-empty"), !isEmpty || isBare ? "" : emptyText());
  showText(byId("sentence"), isEmpty ? "" : found.sentence);
  byId("versions-part").hidden = byId("events-part").hidden = isEmpty;
  setText(byId("overview-note"), noteOf(found));
  const marks = marksOf(found);
  showEvents(marks, found.markers_left_out);
  showTable(found);
  if (isEmpty) return;
  showTiles(found, view.compare);
  showVersions(found, view.compare);
  showCharts(found, marks);
}

function emptyText() {
  const of = view.model ? ` of ${view.model}` : "";
  return `Nothing${of} was recorded in the ${RANGES[view.range][2]}. Choose a longer time${of ? " or another model" : ""}.`;
}

function noteOf({ until, range, series, left_out }) {
  const parts = [isLive(view) ? `live, ${clock(until)}` : `up to ${clock(until)}`];
  if (range.recorded_s > 0 && range.recorded_s < 0.9 * (until - range.since)) {
    parts.push(`the record begins at ${moment(until - range.recorded_s)}`);
  }
  if (series.length > LINES_MAX) parts.push(`${LINES_MAX} of ${plural(series.length + left_out, "version", "versions")} are drawn`);
  return parts.join("; ");
}

async function load(ask) {
  const number = ++asked;
  const first = takeFirst();
  let found = await (first ? getBegun(...first) : ask(pathOf(view)));
  if (number !== asked) return;
  const hasBaseline = found.versions.some(({ baseline }) => baseline);
  if (view.isOpen && view.compare === "previous" && found.previous.recorded_s === 0 && hasBaseline) {
    view = { ...view, compare: "baseline" };
    found = await ask(pathOf(view));
    if (number !== asked) return;
    showView(view);
  }
  due = Date.now() + (isLive(view) ? 0 : SLOW_MS);
  const begun = performance.now();
  show(found);
  await null; // uPlot draws once what called it is through
  performance.measure("overview-drawing", { start: begun });
  performance.mark("overview-drawn");
  document.body.dataset.range = view.range; // what is on the page, for whoever waits for it
}

async function changed(wanted, isNew = true) {
  view = wanted;
  if (isNew) history.pushState(null, "", location.pathname + searchOf(view));
  showView(view);
  byId("overview").setAttribute("aria-busy", "true");
  try {
    await section("overview", () => load(get));
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else if (error instanceof NoAnswer) showText(byId("overview-fault"), "No answer from the sidecar; trying again");
    else throw error;
  } finally {
    byId("overview").setAttribute("aria-busy", "false");
  }
}

function start() {
  startView(changed);
  showView(view);
  startTable();
  startEvents();
  addEventListener("popstate", () => changed(viewOf(location.search), false));
}

runPage({
  start,
  sections: {
    overview: async (ask) => {
      if (Date.now() >= due) await load(ask);
    },
    attention: showAttention,
    models: async (ask) => {
      if (Date.now() < modelsDue) return;
      offerModels((await ask("/api/v1/models")).items, view.model);
      modelsDue = Date.now() + SLOW_MS;
    },
  },
});
