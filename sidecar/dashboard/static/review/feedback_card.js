// The report of a model: its score with bounds, precision by class and confidence, and what users say, apart.

import { bar, drawing, element, figure, scroller } from "../base/dom.js";
import { count, part, percent, plural } from "../base/format.js";

const CLASSES = 12;
const TYPES = {
  correct: "correct",
  wrong_label: "wrong label",
  wrong_box: "wrong box",
  false_positive: "false positive",
  missed_object: "missed object",
};

export function fillReport(card, report) {
  const both = element("div", undefined, "pair-of");
  both.append(scorePart(report.score), usersPart(report.users));
  const parts = [element("p", report.sentence, "sentence"), both];
  if (report.by_class.length) parts.push(classesPart(report.by_class));
  if (report.by_confidence.some(({ n }) => n)) parts.push(bandsPart(report.by_confidence));
  parts.push(thresholdPart(report.threshold));
  if (report.versions.length > 1) parts.push(versionsPart(report.versions));
  if (report.limitations.length) {
    const list = element("ul", undefined, "limitations quiet");
    list.append(...report.limitations.map((text) => element("li", text)));
    parts.push(list);
  }
  card.replaceChildren(...parts);
}

function partOf(title, ...nodes) {
  const made = element("div", undefined, "part");
  made.append(element("h3", title), ...nodes);
  return made;
}

function scorePart({ value, lower, upper, n, sampled, completeness }) {
  const made = partOf("Reviewed at random");
  const figures = element("dl", undefined, "figures");
  figures.append(figure("Images that are right", percent(value)));
  made.append(figures);
  if (value !== null) {
    const bounds = element("p", `${between(lower, upper)}, by 95 % bounds`, "quiet small");
    made.append(interval(value, lower, upper), bounds);
  }
  const progress = element("div", undefined, "progress");
  const text = sampled ? `${count(n)} of ${count(sampled)} drawn images reviewed` : "the random sample has drawn no image yet";
  progress.append(bar(completeness || 0), element("span", text, "quiet"));
  made.append(progress);
  return made;
}

function usersPart({ value, n, by_type: types }) {
  const made = partOf("What users sent");
  if (!n) {
    made.append(element("p", "Nobody has sent feedback.", "quiet"));
    return made;
  }
  const figures = element("dl", undefined, "figures");
  figures.append(figure("Of those who spoke up", value === null ? "–" : `${percent(value)} correct`));
  made.append(figures);
  const list = element("ul", undefined, "facts");
  list.append(...Object.entries(types).map(([type, times]) => element("li", `${count(times)} ${TYPES[type] || type}`)));
  const note = `${plural(n, "prediction", "predictions")}; no estimate: who speaks up is no random sample.`;
  made.append(list, element("p", note, "quiet small"));
  return made;
}

const between = (lower, upper) => `${percent(lower)} to ${percent(upper)}`;

/** A share with its bounds, from 0 to 1. */
function interval(value, lower, upper) {
  const whole = { viewBox: "0 0 100 12", preserveAspectRatio: "none" };
  const picture = drawing("svg", { ...whole, "aria-hidden": "true", class: "bounds" });
  picture.append(drawing("rect", { y: 4, width: 100, height: 4, class: "track" }));
  if (lower !== null && upper !== null) {
    const width = Math.max(100 * (upper - lower), 0.4);
    picture.append(drawing("rect", { x: 100 * lower, y: 3, width, height: 6, class: "range" }));
  }
  if (value !== null) picture.append(drawing("path", { d: `M${100 * value} 0V12`, class: "point" }));
  return picture;
}

function rowOf(name, { precision, lower, upper }, n) {
  const row = element("tr");
  const heading = element("th", name);
  heading.scope = "row";
  const chart = element("td", undefined, "chart");
  chart.append(interval(precision, lower, upper));
  const bounds = element("td", precision === null ? "–" : between(lower, upper), "number quiet");
  row.append(heading, chart, element("td", percent(precision), "number"), bounds, element("td", n, "number quiet"));
  return row;
}

function tableOf([first, share, of], rows) {
  const table = element("table");
  const head = element("tr");
  for (const [text, kind] of [[first, ""], ["", "chart"], [share, "number"], ["Bounds", "number"], [of, "number"]]) {
    const cell = element(text ? "th" : "td", text, kind);
    if (text) cell.scope = "col";
    head.append(cell);
  }
  const body = element("tbody");
  body.append(...rows);
  const top = element("thead");
  top.append(head);
  table.append(top, body);
  return table;
}

function scrolled(label, table) {
  const made = scroller(label);
  made.classList.add("precision");
  made.append(table);
  return made;
}

function classesPart(classes) {
  const rows = classes.slice(0, CLASSES).map((one) => rowOf(one.label, one, count(one.n)));
  const table = tableOf(["Class", "Precision", "Detections"], rows);
  const made = partOf("Precision by class", scrolled("Precision by class", table));
  const rest = classes.length - CLASSES;
  if (rest > 0) made.append(element("p", `and ${plural(rest, "class", "classes")} more in the API`, "quiet small"));
  return made;
}

function bandsPart(bands) {
  const from = (band) => `${band.from.toFixed(1)} to ${band.to.toFixed(1)}`;
  const rows = bands.filter(({ n }) => n).map((band) => rowOf(from(band), band, count(band.n)));
  const made = element("details", undefined, "part");
  made.append(element("summary", "Precision by confidence"));
  const table = tableOf(["Score", "Precision", "Detections"], rows);
  made.append(scrolled("Precision by confidence", table));
  return made;
}

function thresholdPart({ sentence, threshold, kept_share: kept }) {
  const made = partOf("Threshold", element("p", sentence));
  if (threshold !== null && kept !== null) {
    const progress = element("div", undefined, "progress");
    progress.append(bar(kept), element("span", `${part(kept)} of the detections stay`, "quiet"));
    made.append(progress);
  }
  return made;
}

function versionsPart(versions) {
  const rows = versions.map(({ version, value, lower, upper, n, sampled }) =>
    rowOf(version || "unnamed", { precision: value, lower, upper }, `${count(n)} of ${count(sampled)}`),
  );
  const table = tableOf(["Version", "Right", "Reviewed"], rows);
  return partOf("By version", scrolled("Score by version", table));
}
