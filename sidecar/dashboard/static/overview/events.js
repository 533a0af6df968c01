// What came about within the time, numbered as its marks in the charts are.

import { arrange, byId, element, setText, stamp } from "../base/dom.js";
import { moment, plural } from "../base/format.js";
import { pointAt } from "./charts.js";

const FEW = 8; // of all but alerts
const FEW_ALERTS = 3;
const ALARM = "▲";
let areAll = false; // whether all of them are listed
let latest = null;

/** The marks of events, oldest first: all but alerts have a number. */
export function marksOf({ markers }) {
  let number = 0;
  return [...markers].reverse().map((event) => {
    const sign = event.kind === "alert_fired" ? "" : String(++number);
    return { at: event.at, sign, event };
  });
}

export function startEvents() {
  byId("events-all").addEventListener("click", () => {
    areAll = !areAll;
    showEvents(...latest);
  });
}

export function showEvents(marks, leftOut) {
  latest = [marks, leftOut];
  byId("events-part").hidden = marks.length === 0;
  const older = leftOut ? `; ${plural(leftOut, "older one", "older ones")} left out` : "";
  setText(byId("events-note"), `numbered as in the charts, where alerts are short marks at the top${older}`);
  const newest = [...marks].reverse();
  const few = fewOf(newest);
  arrange(byId("events"), areAll ? newest : few, {
    key: ({ event }) => JSON.stringify([event.at, event.kind, event.id]),
    make: makeEvent,
    fill: (item, { sign }) => setText(item.firstChild, sign || ALARM),
    stamp: ({ sign }) => sign,
  });
  const rest = marks.length > few.length;
  byId("events-all").hidden = !rest;
  byId("events-all").setAttribute("aria-expanded", String(areAll));
  if (rest) setText(byId("events-all"), areAll ? "Show fewer" : `Show all ${marks.length}`);
}

/** The newest of either kind: alerts may be many, and must not hide what else came about. */
function fewOf(newest) {
  const left = { true: FEW, false: FEW_ALERTS };
  return newest.filter(({ sign }) => left[sign !== ""]-- > 0);
}

function makeEvent({ event }) {
  const item = element("li");
  const text = linkOf(event);
  text.classList.add("text");
  text.title = event.text;
  item.append(element("span", "", event.kind === "alert_fired" ? "sign bad" : "sign"), stamp(event.at, moment(event.at)), text);
  for (const name of ["mouseenter", "focusin"]) item.addEventListener(name, () => pointAt(event.at));
  for (const name of ["mouseleave", "focusout"]) item.addEventListener(name, () => pointAt(null));
  return item;
}

const PAGES = {
  ab_test: ({ id }) => `/experiments/ab-tests/${encodeURIComponent(id)}`,
  shadow_test: ({ id }) => `/experiments/shadow-tests/${encodeURIComponent(id)}`,
  alert: ({ id }) => `/alerts?${new URLSearchParams({ alert: id })}`,
  baseline: () => "/drift",
  model: ({ model, version }) => `/predictions?${new URLSearchParams(version ? { model, version } : { model })}`,
};

function linkOf(event) {
  const link = element("a", event.text);
  link.href = PAGES[event.subject](event);
  return link;
}
