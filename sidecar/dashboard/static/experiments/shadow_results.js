// What a shadow test has found: how far two versions agree on the same images, and in what they don't.

import { element, figure, scroller, tableOf } from "../base/dom.js";
import { count, milliseconds, number, offBy, part, percent, plural, pValue } from "../base/format.js";
import { differenceRow, histogramPicture, intervalPicture } from "../base/plots.js";

const ROWS = 12;
const LATENCIES = ["p50_ms", "p90_ms", "p95_ms", "p99_ms", "mean_ms"];
const SKIPPED = {
  no_shadow: "the shadow did not answer in time",
  no_serving: "the serving answer was not there",
  full: "too many were waiting",
  twice: "an answer came twice",
};

/** The parts of a card, in order; `samples` has the images kept by reason since the start, null where not known. */
export function shadowParts(results, samples) {
  const { a, b } = results;
  const parts = [
    { name: "figures", data: results, make: () => element("dl", undefined, "figures"), fill: fillFigures },
    { name: "differences", data: differencesOf(results), make: makePart, fill: fillDifferences },
    { name: "flips", data: { flips: results.flips, a, b }, make: makeHalf, fill: fillFlips },
    { name: "latency", data: { ...results.latency, names: [a, b] }, make: makeHalf, fill: fillLatency },
  ];
  if (results.histograms && results.counts.images) {
    parts.push({ name: "histograms", data: results.histograms, make: makePair, fill: fillHistograms });
  }
  return [
    ...parts,
    { name: "classes", data: { classes: results.classes, a, b }, make: makeClasses, fill: fillClasses },
    { name: "left out", data: leftOut(results, samples), make: makeLines, fill: fillLines },
  ];
}

const makePart = () => element("section", undefined, "part");
const makeHalf = () => element("section", undefined, "part half");
const makePair = () => element("div", undefined, "part pair-of");
const makeLines = () => element("ul", undefined, "limitations quiet");

function fillFigures(node, { agreement, boxes, counts }) {
  node.replaceChildren(
    figure("Agreement", percent(agreement.image_rate)),
    figure("Images compared", count(counts.images)),
    figure("Boxes", `${count(boxes.a)} → ${count(boxes.b)}`),
    figure("Missed", percent(boxes.missed_rate)),
    figure("Extra", percent(boxes.extra_rate)),
    figure("Flipped", percent(boxes.flip_rate)),
    figure("Box agreement", percent(agreement.box_rate)),
    figure("Mean IoU", number(agreement.mean_iou)),
    figure("Disagreement", number(agreement.mean_disagreement)),
  );
}

const differencesOf = ({ a, b, confidence_shift: confidence, count_difference: boxes, latency }) => ({
  a,
  b,
  tests: [
    ["Confidence", "of boxes that both have", "confidence", confidence],
    ["Detections per image", "", "detections", boxes],
    ["Latency", "lower is better", "ms", latency.difference_ms],
  ],
});

function fillDifferences(node, { a, b, tests }) {
  const rows = element("ul", undefined, "differences");
  rows.append(...tests.map((test) => pairedRow(...test)));
  const how = element(
    "p",
    "Of the same images, in pairs. Lines are confidence sequences: they and the always-valid p hold however often one " +
      "looks. The upright stroke is no difference. The fixed-horizon p holds for one look planned beforehand.",
    "quiet small",
  );
  node.replaceChildren(element("h2", `${b} less ${a}`), rows, how);
}

function pairedRow(label, values, unit, test) {
  const { n, difference, always_valid: valid, fixed_horizon: fixed, significant, alpha } = test;
  const { low, high } = valid;
  const kind = significant ? "warn" : "open";
  const p = `always-valid p ${pValue(valid.p_value)}; fixed-horizon p ${pValue(fixed.p_value)}`;
  const bounds = low === null ? "not bounded yet" : `${offBy(unit, low)} to ${offBy(unit, high)} (${part(1 - alpha)})`;
  return differenceRow({
    label,
    tags: significant ? [["differs", "warn"]] : [],
    values,
    picture: intervalPicture({ low, high, point: difference, mark: 0, ratio: false, kind }),
    interval: difference === null ? "Nothing to compare yet" : `${offBy(unit, difference)}; ${bounds}`,
    tests: `${p}; ${plural(n, "request", "requests")}`,
  });
}

function fillFlips(node, { flips, a, b }) {
  node.replaceChildren(element("h2", "Boxes that change their class"));
  if (!flips.length) {
    node.append(element("p", "None so far.", "quiet"));
    return;
  }
  const table = scroller("Boxes that change their class");
  const rows = flips.slice(0, ROWS).map(({ from, to, count: n, boxes }) => [
    `${from} → ${to}`,
    count(n),
    boxes ? percent(n / boxes) : "–",
  ]);
  table.append(tableOf([`${a} → ${b}`, "Boxes", "Of that class"], rows));
  node.append(table, ...restOf(flips, "kind", "kinds"));
}

function restOf(items, one, many) {
  const rest = items.length - ROWS;
  return rest > 0 ? [element("p", `and ${plural(rest, one, many)} more`, "quiet")] : [];
}

function fillLatency(node, { a, b, names }) {
  const table = scroller("Latency of both versions");
  const rows = LATENCIES.map((key) => [
    key === "mean_ms" ? "mean" : key.replace("_ms", ""),
    ...[a, b].map((side) => milliseconds(side[key] === undefined ? null : side[key])),
  ]);
  table.append(tableOf(["Latency", ...names], rows));
  node.replaceChildren(element("h2", "Latency"), table);
}

function fillHistograms(node, { disagreement, iou }) {
  node.replaceChildren(
    histogram("Disagreement of images", "0: the same", "1: nothing in common", disagreement, "disagreement"),
    histogram("IoU of boxes of one class", number(iou.edges[0]), "1: the same place", iou, "iou"),
  );
}

function histogram(title, left, right, data, className) {
  const made = element("section");
  const axis = element("p", undefined, "axis quiet");
  axis.append(element("span", left), element("span", right));
  made.append(element("h2", title), histogramPicture(data, className), axis);
  return made;
}

function makeClasses() {
  const made = element("details", undefined, "part");
  made.append(element("summary"), scroller("Boxes of each class"), element("p", "", "quiet"));
  return made;
}

function fillClasses(node, { classes, a, b }) {
  const [title, table, rest] = node.children;
  node.hidden = classes.length === 0;
  title.textContent = `${plural(classes.length, "class", "classes")}, the most disputed first`;
  const head = ["Class", a, b, "In both", "Missed", "Extra", "Flipped away", "Flipped to"];
  table.replaceChildren(
    tableOf(
      head,
      classes.slice(0, ROWS).map((one) => [
        one.class,
        ...[one.boxes_a, one.boxes_b, one.matched, one.missed, one.extra, one.flipped_from, one.flipped_to].map(count),
      ]),
    ),
  );
  rest.replaceChildren(...restOf(classes, "class", "classes"));
}

/** What was not compared, and what went on to people. */
function leftOut({ limitations, counts, skipped, waiting }, samples) {
  const lines = [...limitations];
  const failed = [["failed_a", "the serving version alone"], ["failed_b", "the shadow alone"], ["failed_both", "both"]];
  for (const [key, who] of failed) {
    if (counts[key]) lines.push(`${plural(counts[key], "request", "requests")} failed with ${who}.`);
  }
  for (const [reason, n] of Object.entries(skipped)) {
    const why = SKIPPED[reason] || reason.replaceAll("_", " ");
    if (n) lines.push(`Left out: ${plural(n, "pair", "pairs")}, since ${why}.`);
  }
  if (waiting) lines.push(`${plural(waiting, "request waits", "requests wait")} for the other side's answer.`);
  if (samples && samples.disagreement) {
    const kept = plural(samples.disagreement, "image", "images");
    lines.push(`Kept for review by all shadow tests since the sidecar's start, as both disagree: ${kept}.`);
  }
  return lines;
}

function fillLines(node, lines) {
  node.hidden = lines.length === 0;
  node.replaceChildren(...lines.map((text) => element("li", text)));
}
