// The filters: in the address of the page, in the form, and as the API takes them.

import { byId, element, showText } from "../base/dom.js";
import { named } from "../base/format.js";

const TEXTS = ["label", "unit", "min_confidence", "max_confidence", "min_latency_ms", "max_latency_ms"];
const ASKED = ["model", "version", "role", "status", ...TEXTS, "sampled"];
const MORE = ["role", "status", "unit", "min_confidence", "max_confidence", "min_latency_ms", "max_latency_ms"];
const ALL = [...ASKED, "range", "since", "until"];
const RANGES = {
  "15m": ["last 15 minutes", 900],
  "1h": ["last hour", 3600],
  "24h": ["last 24 hours", 86400],
  "7d": ["last 7 days", 604800],
  "30d": ["last 30 days", 2592000],
};
const BETWEEN = "between";
const STATUSES = [
  ["ok", "ok"],
  ["error", "error"],
  ["undecodable", "unreadable answer"],
  ["empty", "no detection"],
  ["0", "client left"],
];
const ROLES = ["serving", "control", "treatment", "excluded", "override", "failover", "shadow"];
const CLASSES = 200;
let versions = []; // [model, version] of each option but the first

/** What the page's address asks for; what it doesn't know is left out. */
export function filtersOf(search) {
  const given = new URLSearchParams(search);
  const found = ALL.filter((name) => given.get(name)).map((name) => [name, given.get(name)]);
  return Object.fromEntries(found.filter(([name, value]) => name !== "range" || value in RANGES));
}

export const searchOf = (filters) => {
  const text = new URLSearchParams(Object.entries(filters)).toString();
  return text ? `?${text}` : "";
};

/** As the API takes them; a range that ends now begins at `now`, epoch seconds, less its length. */
export function askedOf(filters, now) {
  const asked = Object.fromEntries(ASKED.filter((name) => name in filters).map((name) => [name, filters[name]]));
  if (filters.range) return { ...asked, since: String(now - RANGES[filters.range][1]) };
  for (const name of ["since", "until"]) if (filters[name]) asked[name] = filters[name];
  return asked;
}

export function startFilters(changed) {
  const form = byId("filters");
  fillChoices();
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", ({ target }) => {
    if (target === byId("filter-range") && target.value === BETWEEN) {
      byId("filter-between").hidden = false;
      byId("filter-since").focus();
      return;
    }
    if (form.checkValidity()) changed(formFilters());
    else form.reportValidity();
  });
  byId("filters-clear").addEventListener("click", () => {
    changed({});
    byId("filter-model").focus();
  });
}

/** Shows `filters` in the form and at the exports. */
export function showFilters(filters) {
  chooseModel(filters);
  for (const name of TEXTS) setValue(`filter-${name}`, filters[name] || "");
  choose("filter-role", filters.role || "");
  choose("filter-status", filters.status || "");
  byId("filter-sampled").checked = filters.sampled === "true";
  const isBetween = !filters.range && Boolean(filters.since || filters.until);
  choose("filter-range", filters.range || (isBetween ? BETWEEN : ""));
  byId("filter-between").hidden = !isBetween;
  for (const name of ["since", "until"]) setValue(`filter-${name}`, isBetween ? localOf(filters[name]) : "");
  if (MORE.some((name) => filters[name])) byId("filters-more").open = true;
  byId("filters-clear").hidden = Object.keys(filters).length === 0;
  for (const name of ALL) document.getElementById(`filter-${name}`)?.removeAttribute("aria-invalid");
  showText(byId("filters-fault"), "");
}

/** Leads the exports to exactly what is `asked`. */
export function showExports(asked) {
  for (const what of ["predictions", "detections"]) {
    for (const format of ["csv", "jsonl"]) {
      const link = document.getElementById(`export-${what}-${format}`);
      link.href = `/api/v1/${what}/export?${new URLSearchParams({ format, ...asked })}`;
    }
  }
}

/** Says at the fields what the API found wrong with them: [{field, message}]. */
export function showFaults(faults) {
  for (const { field } of faults) document.getElementById(`filter-${field}`)?.setAttribute("aria-invalid", "true");
  if (faults.some(({ field }) => MORE.includes(field))) byId("filters-more").open = true;
  const text = faults.map(({ field, message }) => `${field.replaceAll("_", " ")}: ${message.replaceAll("_", " ")}`);
  showText(byId("filters-fault"), text.join("; "));
}

/** Offers the models and classes of the answer of /api/v1/models. */
export function offerModels({ recorded, figures }, filters) {
  const pairs = [...recorded, ...figures].filter(({ model }) => model).map(({ model, version }) => [model, version]);
  const byName = new Map();
  for (const [model, version] of pairs) byName.set(model, new Set([...(byName.get(model) || []), version]));
  const found = [];
  for (const model of [...byName.keys()].sort()) {
    found.push([model, ""]);
    for (const version of [...byName.get(model)].sort()) if (version) found.push([model, version]);
  }
  if (JSON.stringify(found) !== JSON.stringify(versions)) {
    versions = found;
    chooseModel(filters);
  }
  const names = [...new Set(figures.flatMap(({ classes }) => Object.keys(classes)))].sort().slice(0, CLASSES);
  const list = byId("filter-labels");
  if (list.childElementCount !== names.length) {
    list.replaceChildren(...names.map((value) => Object.assign(element("option"), { value })));
  }
}

function chooseModel({ model = "", version = "" }) {
  const select = byId("filter-model");
  const wanted = [model, version];
  const isOffered = !(model || version) || versions.some((pair) => isSame(pair, wanted));
  const offered = isOffered ? versions : [...versions, wanted];
  fill(select, [["", "all models"], ...offered.map(optionOf)]);
  select.value = model || version ? JSON.stringify(wanted) : "";
}

const optionOf = (pair) => [JSON.stringify(pair), pair[1] ? named(...pair) : `${named(...pair)}, all versions`];
const isSame = ([model, version], [otherModel, otherVersion]) => model === otherModel && version === otherVersion;

function formFilters() {
  const [model, version] = JSON.parse(byId("filter-model").value || '["", ""]');
  const found = { model, version, role: byId("filter-role").value, status: byId("filter-status").value };
  for (const name of TEXTS) found[name] = document.getElementById(`filter-${name}`).value.trim();
  found.sampled = byId("filter-sampled").checked ? "true" : "";
  const range = byId("filter-range").value;
  if (range === BETWEEN) {
    for (const name of ["since", "until"]) found[name] = secondsOf(document.getElementById(`filter-${name}`).value);
  } else found.range = range;
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== ""));
}

function fillChoices() {
  const ranges = Object.entries(RANGES).map(([id, [text]]) => [id, text]);
  fill(byId("filter-range"), [["", "any time"], ...ranges, [BETWEEN, "from … to …"]]);
  fill(byId("filter-status"), [["", "any"], ...STATUSES]);
  fill(byId("filter-role"), [["", "any"], ...ROLES.map((role) => [role, role])]);
}

function fill(select, options) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}

/** Chooses `value`, which the address may have though it is not offered. */
function choose(id, value) {
  const select = byId(id);
  if (![...select.options].some((option) => option.value === value)) select.append(new Option(value, value));
  select.value = value;
}

function setValue(id, value) {
  const field = byId(id);
  if (field.value !== value) field.value = value;
}

/** Epoch seconds, or an RFC 3339 time, for a field of local time; and back. */
function localOf(text) {
  if (!text) return "";
  const at = /^[\d.]+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (!Number.isFinite(at)) return "";
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
}

const secondsOf = (local) => (local ? String(new Date(local).getTime() / 1000) : "");

/** What is asked for beside the time, as a sentence's end. */
export const isNarrowed = (filters) => Object.keys(filters).length > 0;
