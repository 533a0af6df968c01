// The list of predictions.

import { LoggedOut, NoAnswer, Refused, toLogin } from "../base/api.js";
import { byId, setText, showText } from "../base/dom.js";
import { plural } from "../base/format.js";
import { runPage, section } from "../base/page.js";
import { Classes } from "../review/classes.js";
import { Feed, ROWS_MAX } from "./feed.js";
import {
  askedOf,
  filtersOf,
  isNarrowed,
  offerModels,
  searchOf,
  showExports,
  showFaults,
  showFilters,
  startFilters,
} from "./filters.js";
import { showRows } from "./list.js";
import { matcherOf } from "./matching.js";
import { isReturn, remember, remembered } from "./remembered.js";
import { startWalk } from "./walk.js";

const WRONG = 422;
const NOTHING = "Nothing is recorded yet: send requests to the sidecar's data port.";
const classes = new Classes();
const feed = new Feed(show);
let filters = filtersOf(location.search);

function show() {
  showRows(feed.items, classes, matcherOf(filters));
  const { items, fresh, isLoaded } = feed;
  byId("predictions").setAttribute("aria-busy", String(feed.isBusy && !isLoaded));
  showEmpty();
  const more = feed.freshAreMore ? "+" : "";
  showText(byId("predictions-new"), fresh.length ? `${fresh.length}${more} new` : "");
  showOlder();
  setText(byId("predictions-note"), items.length ? `newest first, ${plural(items.length, "row", "rows")}` : "");
}

function showEmpty() {
  const empty = byId("predictions-empty");
  const isFaulty = !byId("predictions-fault").hidden || !byId("filters-fault").hidden;
  empty.hidden = isFaulty || (feed.isLoaded && !(feed.isAll && !feed.items.length));
  const nothing = isNarrowed(filters) ? "No prediction matches these filters." : NOTHING;
  setText(empty, feed.isLoaded ? nothing : "Loading…");
}

function showOlder() {
  const older = byId("predictions-older");
  older.hidden = !feed.isLoaded || !feed.mayHaveMore || feed.isFull;
  older.disabled = feed.isBusy;
  const isShort = feed.isShort && !older.hidden && !feed.isBusy;
  setText(older, isShort ? "Look further back" : "Older");
  setText(byId("predictions-further"), furtherText(isShort));
  byId("exports").hidden = feed.items.length === 0;
}

function furtherText(isShort) {
  if (feed.isFull && feed.mayHaveMore) return `${ROWS_MAX} rows are shown: narrow the time or the filters to see older`;
  if (feed.isBusy) return feed.isLoaded ? "Looking further back…" : "";
  return isShort ? "Few match in what was looked at so far" : "";
}

/** Does what a person asked for; what is wrong with it is said on the page. */
async function doing(work) {
  try {
    await section("predictions", () => judged(work));
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else if (error instanceof NoAnswer) showText(byId("predictions-fault"), "No answer from the sidecar; try again");
    else throw error;
  }
  show();
}

/** What the API finds wrong with the filters is said at them. */
async function judged(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused && error.status === WRONG)) throw error;
    showFaults(error.faults.length ? error.faults : [{ field: "filters", message: error.message }]);
  }
}

function begin(place) {
  const now = Date.now() / 1000;
  const asked = askedOf(filters, now);
  feed.begin(asked, now);
  showFilters(filters);
  showExports(asked);
  return doing(() => feed.load(place));
}

function changed(wanted) {
  if (searchOf(wanted) === searchOf(filters)) return;
  filters = wanted;
  history.pushState(null, "", location.pathname + searchOf(filters));
  begin();
}

function keepPlace(opened) {
  const ids = feed.items.map((item) => item.prediction_id);
  if (ids.length) remember({ search: searchOf(filters), ids, top: feed.items[0].at, y: scrollY, opened });
}

/** Back where one was: the same rows, scrolled as they were, the row that was opened in focus. */
async function comeBack({ top, ids, y, opened }) {
  history.scrollRestoration = "manual";
  await begin({ top, rows: ids.length });
  scrollTo(0, y);
  const row = byId("predictions").querySelector(`a[data-id="${CSS.escape(opened || "")}"]`);
  if (row) {
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
}

async function takeFresh() {
  if (!feed.takeFresh()) await begin();
  scrollTo(0, 0);
  byId("predictions").querySelector("a.row")?.focus({ preventScroll: true });
}

function start() {
  startFilters(changed);
  startWalk();
  byId("predictions-new").addEventListener("click", takeFresh);
  byId("predictions-older").addEventListener("click", async () => {
    const last = feed.items.length;
    await doing(() => feed.older());
    byId("predictions").querySelectorAll("a.row")[last]?.focus({ preventScroll: true });
  });
  byId("predictions").addEventListener("click", (event) => {
    const row = event.target.closest("a.row");
    if (row) keepPlace(row.dataset.id);
  });
  addEventListener("popstate", () => {
    filters = filtersOf(location.search);
    begin();
  });
  const place = remembered();
  if (place && isReturn() && place.search === searchOf(filters)) comeBack(place);
  else begin();
}

runPage({
  start,
  sections: {
    predictions: (ask) => judged(() => feed.look(ask)),
    models: async (ask) => offerModels(await ask("/api/v1/models"), filters),
  },
});
