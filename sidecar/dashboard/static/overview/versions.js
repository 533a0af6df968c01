// Each version with its figures, what they are compared with, and how far off they are.

import { arrange, byId, element, setText, showText } from "../base/dom.js";
import { count, plural, share } from "../base/format.js";
import { numberOf, sample } from "./lines.js";
import { differenceOf, FIGURES, idOf, keyOf, nameOf, referenceOf } from "./words.js";

const FIELDS = Object.keys(FIGURES);
const NAMED_MAX = 2; // versions whose baseline is another's that a line names; of more it tells how many
const CHANGED = { class_share: null, traffic: null }; // those have no column
let body = null;

export function showVersions({ versions, totals, changes, left_out }, compare) {
  byId("versions-part").hidden = versions.length === 0;
  const isCompared = versions.some((item) => referenceOf(item, compare)[0]);
  const what = compare === "baseline" ? baselineText(versions) : "the time before";
  setText(byId("versions-note"), isCompared ? `below each figure ${what}, and how far off it is` : "");
  if (!body) makeTable();
  const changed = new Set(changes.map((change) => JSON.stringify([change.model, change.version, columnOf(change.metric)])));
  arrange(body, versions, {
    key: keyOf,
    stamp: (item) => JSON.stringify([item, totals.now.requests, compare, [...changed]]),
    make: makeRow,
    fill: (row, item) => fillRow(row, item, totals.now.requests, compare, changed),
  });
  showText(byId("left-out"), left_out ? `and ${plural(left_out, "more version", "more versions")}: choose a model` : "");
}

/** The baseline, and of versions that have none of their own whose it is. */
function baselineText(versions) {
  const borrowed = versions.filter((item) => item.baseline_model_id !== null && item.baseline_model_id !== idOf(item));
  if (borrowed.length > NAMED_MAX) return `the baseline (for ${borrowed.length} versions that of another)`;
  const whose = borrowed.map((item) => `for ${nameOf(item)} that of ${item.baseline_model_id}`);
  return whose.length ? `the baseline (${whose.join(", ")})` : "the baseline";
}

const columnOf = (metric) => (metric in CHANGED ? CHANGED[metric] : metric);

function makeTable() {
  const table = element("table");
  const head = element("tr");
  const names = ["Version", "Requests", "Rate", "Errors", "p50", "p90", "p99", "Confidence", "Per image", "Without any"];
  head.append(
    ...names.map((name, index) => {
      const cell = element("th", name, index ? "number" : "");
      cell.scope = "col";
      return cell;
    }),
  );
  const top = element("thead");
  top.append(head);
  body = element("tbody");
  table.append(top, body);
  byId("versions").append(table);
}

function makeRow(item) {
  const row = element("tr");
  const name = element("th");
  name.scope = "row";
  const id = element("a", idOf(item), "id");
  id.href = `/predictions?${new URLSearchParams({ model: item.model, version: item.version })}`;
  const who = element("span", undefined, "who");
  who.append(sample(numberOf(item), false), id);
  if (item.role !== "serving") who.append(element("span", item.role, "tag"));
  name.append(who);
  row.append(name);
  for (let column = 0; column <= FIELDS.length; column++) {
    const cell = element("td", undefined, "number");
    cell.append(element("span", "", "now"), element("span", "", "off quiet"));
    row.append(cell);
  }
  return row;
}

function fillRow(row, item, requests, compare, changed) {
  const [reference] = referenceOf(item, compare);
  const part = item.role === "shadow" || !requests ? "" : share(item.now.requests / requests);
  fillCell(row.children[1], count(item.now.requests), part, false);
  FIELDS.forEach((field, index) => {
    const { text } = FIGURES[field];
    const difference = differenceOf(field, item.now, reference);
    const off = difference ? `${text(reference[field])} (${difference})` : "";
    const isChanged = item.role === "serving" && changed.has(JSON.stringify([item.model, item.version, field]));
    fillCell(row.children[index + 2], text(item.now[field]), off, isChanged);
  });
}

function fillCell(cell, now, off, isChanged) {
  setText(cell.children[0], now);
  setText(cell.children[1], off);
  cell.classList.toggle("changed", isChanged);
}
