// Verdicts and scores of a comparison, in words and in a table.

import { bar, element } from "../base/dom.js";
import { count, plural, pValue, share } from "../base/format.js";

const CLASSES = 8;
const CHIPS = 20;
const SCORES = {
  class: "Class mix",
  confidence: "Confidence",
  count: "Detections per image",
  box: "Box size and shape",
  input: "Input images",
};

export const VERDICTS = {
  drift: ["Drift", "alarm", "bad"],
  no_drift: ["No drift", "tick", "good"],
  too_few_blocks: ["Too little to judge", "half", "warn"],
};

export const SCORE_KEYS = Object.keys(SCORES);
export const scoreName = (score) => SCORES[score] || score;

export function scoreTable(scores) {
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
  const label = element("th", scoreName(name));
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

export function movedClasses(classes) {
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

export function newClasses(classes) {
  const list = element("ul", undefined, "chips");
  for (const { class: name, images } of classes.slice(0, CHIPS)) {
    const chip = element("li", name);
    chip.append(element("span", ` in ${plural(images, "image", "images")}`, "quiet"));
    list.append(chip);
  }
  if (classes.length > CHIPS) list.append(element("li", `and ${count(classes.length - CHIPS)} more`, "quiet"));
  return [element("h4", "New classes"), list];
}

export function limitations(texts) {
  const list = element("ul", undefined, "limitations quiet");
  list.append(...texts.map((text) => element("li", text)));
  return list;
}
