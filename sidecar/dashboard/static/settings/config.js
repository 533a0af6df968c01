// The effective configuration, section by section: each setting with its value and where that came from.

import { arrange, byId, element, setText, showText } from "../base/dom.js";
import { plural } from "../base/format.js";
import { copied } from "./copying.js";
import { toYaml } from "./yaml.js";

const RUN_TIME = ["production", "version", "came_from"]; // of the answer, but not of the configuration
const ORIGINS = { file: "file", environment: "environment", flag: "flag" };
const GENERAL = "general";
const SAID_MS = 4000;

let settings = null;
let copiedSaid = 0; // the timer that takes away what is said of a copy
let narrowed = false; // by a word or a mark: then what is left is open

export function startConfig() {
  byId("config-open").addEventListener("click", openAll);
  byId("config-search").addEventListener("input", show);
  byId("config-given").addEventListener("change", show);
  byId("config-copy").addEventListener("click", copy);
}

export async function refreshConfig(ask) {
  const found = await ask("/api/v1/settings");
  const isNew = JSON.stringify(found) !== JSON.stringify(settings);
  settings = found;
  if (isNew) show();
}

function show() {
  if (settings === null) return;
  const all = rowsOf(settings);
  const wanted = byId("config-search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const onlyGiven = byId("config-given").checked;
  const rows = all.filter((row) => (!onlyGiven || row.origin) && wanted.every((word) => row.text.includes(word)));
  const sections = Map.groupBy(rows, ({ section }) => section);
  const wasNarrowed = narrowed;
  narrowed = rows.length < all.length;
  arrange(byId("config"), [...sections], {
    key: ([name]) => name,
    stamp: ([, of]) => JSON.stringify(of),
    make: ([name]) => sectionOf(name),
    fill: fillSection,
  });
  // What a word or a mark has left is there to be read; without them only the names of the sections are.
  if (narrowed || wasNarrowed) for (const one of sectionsShown()) one.open = narrowed;
  showOpenAll();
  setText(byId("config-count"), rows.length === all.length ? plural(all.length, "setting", "settings") : `${rows.length} of ${plural(all.length, "setting", "settings")}`);
  const nothing = onlyGiven && !wanted.length ? "Every setting has its default." : "No setting has that in its name, value or origin.";
  byId("config").hidden = !rows.length;
  showText(byId("config-empty"), rows.length ? "" : nothing);
}

const sectionsShown = () => [...byId("config").children];

function openAll() {
  const open = sectionsShown().some((one) => !one.open);
  for (const one of sectionsShown()) one.open = open;
  showOpenAll();
}

function showOpenAll() {
  const some = sectionsShown();
  byId("config-open").disabled = !some.length;
  setText(byId("config-open"), some.every((one) => one.open) ? "Close all" : "Open all");
}

/** {section, path, value, origin, text} of every single value; those of the run time stand in a section of their own. */
function rowsOf({ came_from, production, version, ...config }) {
  const rows = Object.entries(config).flatMap(([name, value]) => {
    const isPart = value !== null && typeof value === "object";
    return leavesOf(value, name).map(([path, leaf]) => rowOf(isPart ? name : GENERAL, path, leaf, originOf(path, came_from || {})));
  });
  rows.sort((one, other) => (other.section === GENERAL) - (one.section === GENERAL));
  const promoted = Object.entries(production || {}).map(([model, name]) => rowOf("set at run time", `production.${model}`, name, "promotion"));
  return [...rows, ...promoted, rowOf("set at run time", "version of these settings", version, "")];
}

function rowOf(section, path, value, origin) {
  const shown = value === "" || value === null ? "–" : Array.isArray(value) ? "none" : typeof value === "object" ? "none" : String(value);
  return { section, path, value: shown, isHidden: shown === "***", origin, text: `${path} ${shown} ${origin || "default"}`.toLowerCase() };
}

function leavesOf(value, path) {
  if (value === null || typeof value !== "object" || !Object.keys(value).length) return [[path, value]];
  if (Array.isArray(value)) {
    if (value.every((item) => item === null || typeof item !== "object")) return [[path, value.join(", ")]];
    return value.flatMap((item, index) => leavesOf(item, `${path}[${index}]`));
  }
  return Object.entries(value).flatMap(([name, item]) => leavesOf(item, `${path}.${name}`));
}

/** Its own; an earlier release told that of whole lists. */
const originOf = (path, origins) => origins[path] || origins[path.split("[")[0]] || "";

function sectionOf(name) {
  const made = element("details");
  made.addEventListener("toggle", showOpenAll);
  made.append(element("summary"), element("table"));
  made.firstChild.append(element("span", name.replaceAll("_", " ")), element("span", "", "quiet"));
  made.lastChild.append(element("caption", `Settings of ${name}`, "heard"), headOf(), element("tbody"));
  return made;
}

function headOf() {
  const head = element("thead", undefined, "heard");
  const row = element("tr");
  row.append(
    ...["Setting", "Value", "From"].map((text) => {
      const cell = element("th", text);
      cell.scope = "col";
      return cell;
    }),
  );
  head.append(row);
  return head;
}

function fillSection(made, [, rows]) {
  const given = rows.filter(({ origin }) => origin).length;
  const told = [plural(rows.length, "setting", "settings"), given ? `${given} set` : ""];
  setText(made.querySelector("summary .quiet"), told.filter(Boolean).join(", "));
  arrange(made.querySelector("tbody"), rows, {
    key: ({ path }) => path,
    stamp: JSON.stringify,
    make: () => element("tr"),
    fill: (row, { path, value, isHidden, origin }) => {
      const name = element("th");
      name.scope = "row";
      name.append(element("code", path));
      const from = element("td");
      from.append(element("span", ORIGINS[origin] || origin || "default", origin ? "tag" : "quiet"));
      row.replaceChildren(name, element("td", isHidden ? "hidden" : value, isHidden ? "quiet" : ""), from);
    },
  });
}

async function copy() {
  if (settings === null) return;
  const config = Object.fromEntries(Object.entries(settings).filter(([name]) => !RUN_TIME.includes(name)));
  const said = byId("config-copied");
  setText(said, (await copied(toYaml(config), byId("config-copy"))) ? "Copied; what is *** must be filled in." : "This browser does not let pages copy here.");
  clearTimeout(copiedSaid);
  copiedSaid = setTimeout(() => setText(said, ""), SAID_MS);
}
