// All figures over time as a table: what the charts draw, for those who read rather than look. Made when it is opened.

import { byId, element, place, tableOf } from "../base/dom.js";
import { count, moment } from "../base/format.js";
import { FIGURES, nameOf } from "./words.js";

const FIELDS = Object.entries(FIGURES);
let latest = null;

export function startTable() {
  byId("table-part").addEventListener("toggle", draw);
}

export function showTable(found) {
  latest = found;
  byId("table-part").hidden = found.series.length === 0;
  draw();
}

function draw() {
  if (!latest || !byId("table-part").open) return;
  const { at, series } = latest;
  const rows = [];
  for (let index = at.length - 1; index >= 0; index--) {
    for (const one of series) {
      if (!one.requests[index]) continue;
      const texts = FIELDS.map(([field, { text }]) => text(one[field][index]));
      rows.push([moment(at[index]), nameOf(one), count(one.requests[index]), ...texts]);
    }
  }
  const head = ["Time", "Version", "Requests", ...FIELDS.map(([, { name }]) => name)];
  place(byId("table"), [rows.length ? tableOf(head, rows) : element("p", "Nothing was recorded.", "quiet")]);
}
