// What is known of a prediction beside what it saw: where its time went, whose it is, how large it was.

import { bar, byId, drawing, element, setText, stamp } from "../base/dom.js";
import { bytes, milliseconds } from "../base/format.js";
import { outcome, pageOf, whose } from "./words.js";

const listOf = (filters) => `/predictions?${new URLSearchParams(filters)}`;
const LONG = { dateStyle: "medium", timeStyle: "medium" };

export function showTags({ role, experiment, ...item }) {
  const [went, isBad] = outcome(item);
  byId("prediction-tags").replaceChildren(
    element("span", role, "tag"),
    element("span", went, isBad ? "went bad" : "went good"),
  );
}

/** All that took time as one bar: the model server's part, when its first byte came, and what the rest was. */
export function showTiming({ latency_ms: total, upstream_ms: upstream, first_byte_ms: first }) {
  const node = byId("timing");
  if (total === null) {
    node.replaceChildren(element("p", "Not measured.", "quiet"));
    return;
  }
  const picture = bar(upstream === null ? 0 : upstream / total, "after");
  picture.setAttribute("class", "timeline");
  const at = first === null ? null : Math.min((100 * first) / total, 99.6);
  if (at !== null) picture.append(drawing("line", { x1: at, x2: at, y1: -2, y2: 10, class: "mark" }));
  const lines = element("dl", undefined, "pairs");
  lines.append(...pair("In all", exact(total)));
  if (upstream !== null) {
    lines.append(...pair("Model server", exact(upstream), "key after"));
    lines.append(...pair("Sidecar", exact(Math.max(total - upstream, 0)), "key rest"));
  }
  if (first !== null) lines.append(...pair("First byte", exact(first), "key mark"));
  node.replaceChildren(picture, lines);
}

export function showFacts(item) {
  const part = item.variant ? `${item.variant}, epoch ${item.epoch}` : `epoch ${item.epoch}`;
  const when = stamp(item.at, new Date(item.at * 1000).toLocaleString(undefined, LONG));
  const sent = `${bytes(item.request_bytes)}, answered with ${bytes(item.response_bytes)}`;
  const size = item.image_width ? `${item.image_width} × ${item.image_height} px` : "";
  const number = item.prediction_id === item.request_id ? "" : `number ${item.image_index}`;
  const facts = [
    ["Time", when],
    ["Model", linkTo(whose(item), listOf({ model: item.model, ...(item.version ? { version: item.version } : {}) }))],
    ["Experiment", item.experiment && experimentOf(item)],
    ["Variant", item.experiment && part],
    ["Unit", item.unit && linkTo(item.unit, listOf({ unit: item.unit }))],
    ["Slice", item.slice],
    ["Image", [number, size].filter(Boolean).join(", ")],
    ["Sent", sent],
    ["Format", item.dialect.replaceAll("_", " ")],
    ["Request id", code(item.request_id)],
    ["Client's id", item.client_request_id && code(item.client_request_id)],
    ["Trace id", item.trace_id && code(item.trace_id)],
  ];
  const known = facts.filter(([, value]) => value);
  const list = byId("facts");
  const mark = known.map(([term]) => term).join();
  if (list.dataset.mark === mark) return; // what is recorded does not change, and marked text stays marked
  list.dataset.mark = mark;
  list.replaceChildren(...known.flatMap(([term, value]) => pair(term, value)));
}

/** Links from here, [text, href] each: to what was kept, to other images of its request, to its JSON. */
export function showLinks(links) {
  const mark = JSON.stringify(links);
  const node = byId("links");
  if (node.dataset.mark === mark) return;
  node.dataset.mark = mark;
  node.replaceChildren(...links.map(([text, href]) => linkTo(text, href)));
}

/** With a digit after the point: of a sidecar's part nothing else would be left. */
function exact(ms) {
  return ms >= 1000 ? milliseconds(ms) : `${ms.toFixed(1)} ms`;
}

export const relatedLink = (one, text) => [text, pageOf(one.prediction_id)];

function experimentOf({ role, experiment }) {
  const kind = role === "shadow" || role === "serving" ? "shadow-tests" : "ab-tests";
  return linkTo(experiment, `/experiments/${kind}/${encodeURIComponent(experiment)}`);
}

function linkTo(text, href) {
  const made = element("a", text);
  made.href = href;
  return made;
}

function code(text) {
  return element("code", text);
}

function pair(term, value, key) {
  const name = element("dt", undefined, key);
  setText(name, term);
  const says = element("dd");
  says.append(value);
  return [name, says];
}
