// The images of a dataset, small, as the filters want them; the filters stand in the address.

import { get } from "../base/api.js";
import { arrange, byId, element, setText, showText } from "../base/dom.js";
import { fillThumb, makeThumb } from "../review/thumb.js";
import { datasetAddress } from "./forms.js";
import { known } from "./one.js";

const PAGE = matchMedia("(max-width: 560px)").matches ? 12 : 24;
const AGAIN_MAX = 48; // so many are read again every round; more only when they are asked for
const SHORT_PAGES = 5; // pages that may have nothing in them: a filter looks at so many images at a time
const FILTERS = ["status", "label", "reason", "split", "queue"];
const OPTIONS = {
  status: [["needs_review", "to review"], ["in_review", "in review"], ["labeled", "labeled"], ["rejected", "rejected"]],
  reason: [
    "low_confidence",
    "close_to_threshold",
    "no_detections",
    "high_density",
    "unusual_size",
    "new_class",
    "rare_class",
    "disagreement",
  ].map((name) => [name, name.replaceAll("_", " ")]),
  split: [["train", "train"], ["val", "val"], ["test", "test"]],
  queue: [["value", "by value"], ["audit", "audit"]],
};
let address = "";
let shown = []; // items
let next = null; // the cursor of those that follow
let of = null; // the filters that `shown` is of
const names = new Set(); // classes to choose from

export function startItems(id) {
  address = `${datasetAddress(id)}/items`;
  const asked = new URLSearchParams(location.search);
  for (const name of FILTERS) {
    const select = byId(`items-${name}`);
    select.append(new Option("any", ""), ...(OPTIONS[name] || []).map(([value, text]) => new Option(text, value)));
    const wanted = asked.get(name) || "";
    if (name === "label" && wanted) learn([wanted]);
    select.value = wanted;
    if (select.value !== wanted) select.value = "";
    select.addEventListener("change", chosen);
  }
  byId("items-form").addEventListener("submit", (event) => event.preventDefault());
  byId("items-more").addEventListener("click", more);
  byId("items-clear").addEventListener("click", () => {
    for (const name of FILTERS) byId(`items-${name}`).value = "";
    chosen();
  });
}

export async function refreshItems() {
  if (of !== null && shown.length > AGAIN_MAX) return;
  const filters = filtersNow();
  const limit = Math.max(shown.length, PAGE);
  const page = await read(filters, limit, null);
  if (filters.toString() !== filtersNow().toString()) return; // others were chosen meanwhile
  if (limit < shown.length) return; // more were asked for meanwhile, and stay
  take(filters, page.items, page.next);
}

function filtersNow() {
  return new URLSearchParams(FILTERS.map((name) => [name, byId(`items-${name}`).value]).filter(([, value]) => value));
}

/** A page that has something in it, where there is any: the API may answer with empty ones before. */
async function read(filters, limit, cursor) {
  const items = [];
  let following = cursor;
  for (let turn = 0; turn < SHORT_PAGES; turn += 1) {
    const query = new URLSearchParams([...filters, ["limit", String(limit - items.length)]]);
    if (following) query.set("cursor", following);
    const page = await get(`${address}?${query}`);
    items.push(...page.items);
    following = page.next;
    if (!following || items.length >= limit) break;
  }
  return { items, next: following };
}

async function chosen() {
  const filters = filtersNow();
  history.replaceState(null, "", filters.size ? `?${filters}` : location.pathname);
  shown = [];
  of = null;
  byId("items").setAttribute("aria-busy", "true");
  await refreshItems().catch(() => {}); // the next round says it
  byId("items").removeAttribute("aria-busy");
}

async function more() {
  const button = byId("items-more");
  const filters = filtersNow();
  button.setAttribute("aria-busy", "true");
  const had = shown.length;
  const page = await read(filters, PAGE, next).catch(() => null); // the next round says it
  button.removeAttribute("aria-busy");
  if (!page || filters.toString() !== of) return;
  const before = new Set(shown.map(({ id }) => id));
  take(filters, [...shown, ...page.items.filter(({ id }) => !before.has(id))], page.next);
  byId("items").children[had]?.querySelector("a").focus();
}

function take(filters, items, cursor) {
  shown = items;
  next = cursor;
  of = filters.toString();
  const dataset = known();
  learn([...Object.keys((dataset && dataset.classes) || {}), ...items.flatMap(classesOf)]);
  arrange(byId("items"), items, {
    key: ({ id }) => id,
    stamp: ({ revision, split }) => `${revision} ${split}`,
    make: makeThumb,
    fill: (node, item) => fillThumb(node, item),
  });
  byId("items-more").hidden = next === null;
  byId("items-clear").hidden = !filters.size;
  setText(byId("items-count"), items.length ? `${items.length}${next === null ? "" : " or more"} shown` : "");
  showText(byId("items-empty"), items.length ? "" : emptyText(filters));
}

function emptyText(filters) {
  if (next !== null) return "None of those looked at so far. Show more looks further.";
  return filters.size ? "No image is like that." : "No image is in it yet. A data engine keeps images for its dataset.";
}

const classesOf = ({ labels, detections }) => (labels || detections || []).map(({ label }) => label);

/** More classes to choose from; what is chosen stays. */
function learn(found) {
  const before = names.size;
  for (const name of found) names.add(name);
  if (names.size === before) return;
  const select = byId("items-label");
  const { value } = select;
  const options = [...names].sort().map((name) => Object.assign(element("option", name), { value: name }));
  select.replaceChildren(new Option("any", ""), ...options);
  select.value = value;
}
