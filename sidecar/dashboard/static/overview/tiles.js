// The figures of all that serves, each with how far it is from what it is compared with.

import { arrange, byId, element, setText } from "../base/dom.js";
import { count } from "../base/format.js";
import { differenceOf, FIGURES, referenceOf } from "./words.js";

const TILES = [
  { name: "Requests", fields: ["request_rate"], main: ({ requests }) => count(requests) },
  { name: "Errors", fields: ["error_rate"] },
  { name: "Latency", fields: ["p50_latency_ms", "p90_latency_ms", "p99_latency_ms"] },
  { name: "Confidence", fields: ["avg_confidence"] },
  { name: "Detections per image", fields: ["detections_per_image"] },
];

export function showTiles({ totals, changes }, compare) {
  const changed = changes.map(({ metric }) => metric);
  const [reference, name] = referenceOf(totals, compare);
  arrange(byId("tiles"), TILES, {
    key: (tile) => tile.name,
    stamp: () => JSON.stringify([totals.now, reference, name, changed]),
    make: makeTile,
    fill: (node, tile) => fillTile(node, tile, totals.now, reference, name, changed),
  });
}

function makeTile({ name, fields }) {
  const node = element("div", undefined, "tile");
  node.append(element("dt", name));
  for (const field of fields) {
    const value = element("dd", undefined, "value");
    if (fields.length > 1) value.append(element("span", FIGURES[field].name, "part quiet"));
    value.append(element("span", "", "number"), element("span", "", "unit quiet"), element("span", "", "off"));
    node.append(value);
  }
  return node;
}

function fillTile(node, { fields, main }, now, reference, name, changed) {
  fields.forEach((field, index) => {
    const value = node.children[index + 1];
    const text = FIGURES[field].text(now[field]);
    setText(value.querySelector(".number"), main ? main(now) : text);
    setText(value.querySelector(".unit"), main && now[field] !== null ? text : "");
    const off = value.querySelector(".off");
    const difference = differenceOf(field, now, reference);
    setText(off, difference);
    off.title = difference ? `${name}: ${FIGURES[field].text(reference[field])}` : "";
    off.className = `off ${kindOf(field, difference, changed)}`;
  });
}

/** More errors, or slower answers, than there were are worse, where they are no chance; of all else nobody can say. */
function kindOf(field, difference, changed) {
  const metric = field.endsWith("latency_ms") ? "p90_latency_ms" : field;
  if (!FIGURES[field].isWorse || !changed.includes(metric) || !/^[+−]/.test(difference)) return "quiet";
  return difference.startsWith("+") ? "warn" : "good";
}
