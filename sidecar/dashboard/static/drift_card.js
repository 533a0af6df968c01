// One model version: its normal, and the latest check against it.

import { badge, bar, element, figure } from "./dom.js";
import { count, length, number, period, plural, pValue, share } from "./format.js";

const CLASSES = 8;
const CHIPS = 20;
const VERDICTS = {
  drift: ["Drift", "alarm", "bad"],
  no_drift: ["No drift", "tick", "good"],
  too_few_blocks: ["Too little to judge", "half", "warn"],
};
const SCORES = {
  class: "Class mix",
  confidence: "Confidence",
  count: "Detections per image",
  box: "Box size and shape",
  input: "Input images",
};

/** `entry` is {model, version, baseline, others, rule, check, checkedAgainst}. */
export function fillDriftCard(card, entry) {
  card.replaceChildren(title(entry), baselinePart(entry), ...checkPart(entry));
}

function title({ model, version, check }) {
  const made = element("h3", model);
  if (version) made.append(element("span", version, "tag"));
  made.append(badge(...(check ? VERDICTS[check.report.verdict] : ["Not checked yet", "ring", "quiet"])));
  return made;
}

function baselinePart({ baseline, others, version, rule }) {
  const part = element("div", undefined, "baseline");
  part.append(element("h4", "Normal"));
  if (baseline === null) {
    part.append(element("p", noBaselineText(rule), "quiet"));
    return part;
  }
  const { figures } = baseline;
  const which = element("p");
  which.append(element("strong", baseline.name), ` ${period(baseline.since, baseline.until)}`);
  const notes = [baseline.origin === "auto" ? "frozen automatically" : "set by a person"];
  if (baseline.version !== version) notes.unshift(`of version ${baseline.version || "–"}: this one has none of its own`);
  if (others) notes.push(plural(others, "older one is kept", "older ones are kept"));
  which.append(element("span", ` (${notes.join("; ")})`, "quiet"));
  const list = element("dl", undefined, "figures");
  list.append(
    figure("Images", count(figures.images || 0)),
    figure("Avg confidence", number(orNull(figures.avg_confidence))),
    figure("Detections / image", number(orNull(figures.detections_per_image))),
  );
  part.append(which, list);
  return part;
}

const orNull = (value) => (value === undefined ? null : value);

function noBaselineText(rule) {
  if (rule && rule.baseline === "off") return "No baseline, and none is frozen automatically: drift.baseline is off.";
  const first = rule && rule.baseline_period ? `the first ${length(rule.baseline_period)}` : "the first days";
  return `No baseline yet: ${first} of traffic will be it.`;
}

function checkPart({ check, checkedAgainst }) {
  if (!check) return [element("p", "No check yet: the first comes once a whole window after the baseline is over.", "quiet")];
  const { report } = check;
  const part = element("div", undefined, "check");
  const against = checkedAgainst ? `against ${checkedAgainst.name}` : "against a baseline that is gone";
  part.append(
    element("h4", "Latest check"),
    element("p", `${period(check.since, check.until)}, ${against}`, "quiet"),
    element("p", report.sentence),
    scoreTable(report.scores),
  );
  if (report.affected_classes.length) part.append(...movedClasses(report.affected_classes));
  if (report.new_classes.length) part.append(...newClasses(report.new_classes));
  if (report.limitations.length) part.append(limitations(report.limitations));
  return [part];
}

function scoreTable(scores) {
  const table = element("table", undefined, "scores");
  const head = element("tr");
  for (const [text, columns] of [["Score", 1], ["Distance from normal", 2], ["Adjusted p", 1]]) {
    const cell = element("th", text, text === "Adjusted p" ? "number" : "");
    cell.scope = columns > 1 ? "colgroup" : "col";
    cell.colSpan = columns;
    head.append(cell);
  }
  const top = element("thead");
  top.append(head);
  const body = element("tbody");
  body.append(...Object.entries(scores).map(scoreRow));
  table.append(element("caption", "0 is no more than chance gives, 1 is nothing in common.", "quiet"), top, body);
  return table;
}

function scoreRow([name, score]) {
  const row = element("tr", undefined, score.significant ? "significant" : "");
  const label = element("th", SCORES[name] || name);
  label.scope = "row";
  if (score.significant) label.append(" ", element("span", "drifted", "tag"));
  const tested = score.corrected !== null;
  const distance = tested ? score.corrected : score.distance;
  const picture = element("td", undefined, "chart");
  if (distance !== null) picture.append(bar(distance, tested ? "filled" : "untested"));
  row.append(
    label,
    picture,
    element("td", distance === null ? "–" : distance.toFixed(2), "number"),
    element("td", testText(score), "number"),
  );
  return row;
}

function testText({ distance, corrected, p_adjusted: p }) {
  if (distance === null) return "no data";
  if (corrected === null || p === null) return "not tested";
  return pValue(p);
}

function movedClasses(classes) {
  const heading = element("h4", "Classes that moved");
  const key = element("p", undefined, "key quiet");
  key.append("Share of detections: ", swatch("before"), " normal, ", swatch("after"), " now");
  const shown = classes.slice(0, CLASSES);
  const most = Math.max(...shown.flatMap((moved) => [moved.share_before, moved.share_after]));
  const list = element("ul", undefined, "classes moved");
  for (const moved of shown) {
    const label = element("span", moved.class, "name");
    label.title = moved.class;
    const bars = element("span", undefined, "pair");
    bars.append(bar(moved.share_before / most, "before"), bar(moved.share_after / most, "after"));
    const row = element("li");
    row.append(label, bars, element("span", `${share(moved.share_before)} → ${share(moved.share_after)}`, "count"));
    list.append(row);
  }
  const rest = classes.length - shown.length;
  return rest ? [heading, key, list, element("p", `and ${plural(rest, "class", "classes")} more`, "quiet")] : [heading, key, list];
}

function swatch(className) {
  const made = element("span", undefined, `swatch ${className}`);
  made.setAttribute("aria-hidden", "true");
  return made;
}

function newClasses(classes) {
  const list = element("ul", undefined, "chips");
  for (const { class: name, images } of classes.slice(0, CHIPS)) {
    const chip = element("li", name);
    chip.append(element("span", ` in ${plural(images, "image", "images")}`, "quiet"));
    list.append(chip);
  }
  if (classes.length > CHIPS) list.append(element("li", `and ${count(classes.length - CHIPS)} more`, "quiet"));
  return [element("h4", "New classes"), list];
}

function limitations(texts) {
  const list = element("ul", undefined, "limitations quiet");
  list.append(...texts.map((text) => element("li", text)));
  return list;
}
