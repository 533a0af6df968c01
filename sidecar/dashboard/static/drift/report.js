// The answer of a comparison: the verdict, what was compared with what, the distributions, scores and classes.

import { badge, element, figure } from "../base/dom.js";
import { count, number, period, plural } from "../base/format.js";
import { distributionFigures, legend } from "./distributions.js";
import { limitations, movedClasses, newClasses, scoreTable, VERDICTS } from "./scores.js";

const LEVELS = { day: "days", hour: "hours", minute: "minutes", ten_seconds: "tens of seconds", image: "images" };

/** Fills `node` with a report of /api/v1/drift. */
export function fillReport(node, report) {
  const drawn = distributionFigures(report);
  const grid = element("div", undefined, "distributions");
  grid.append(...drawn);
  node.replaceChildren(
    verdictPart(report),
    sidesPart(report),
    ...(drawn.length ? [legend(), grid] : []),
    ...foundPart(report),
  );
}

function verdictPart({ verdict, sentence, model_id: model, slice }) {
  const made = element("div", undefined, "verdict");
  const head = element("p", undefined, "verdict-head");
  head.append(badge(...VERDICTS[verdict]), element("strong", model), ...(slice ? [element("span", slice, "tag")] : []));
  made.append(head, element("p", sentence, "sentence"));
  return made;
}

function sidesPart({ model_id: model, reference, current, n_reference: before, n_current: now, means, blocks, source }) {
  const made = element("div", undefined, "two-sides");
  made.append(
    sidePart("Reference", reference, model, before, meansOf(means, "reference"), "reference"),
    sidePart("Current", current, model, now, meansOf(means, "current"), "current"),
  );
  const level = LEVELS[blocks.level] || `${blocks.level}s`;
  const matched = blocks.matched_by ? `, matched by ${blocks.matched_by}` : "";
  made.append(element("p", `Compared by ${level}${matched}, from ${source}; ${plural(blocks.permutations, "permutation", "permutations")}.`, "quiet how"));
  return made;
}

function meansOf(means = {}, side) {
  return [["Avg confidence", "avg_confidence"], ["Detections / image", "detections_per_image"]]
    .filter(([, name]) => means[name])
    .map(([text, name]) => [text, number(means[name][side] ?? null)]);
}

function sidePart(title, side, model, samples, means, kind) {
  const made = element("section", undefined, "side-of");
  const head = element("h3", title);
  const mark = element("span", undefined, `swatch ${kind}`);
  mark.setAttribute("aria-hidden", "true");
  head.prepend(mark);
  const which = element("p", period(side.since, side.until), "quiet");
  if (side.model_id !== model) which.prepend(element("span", side.model_id, "tag"), " ");
  if (side.baseline) which.prepend(element("strong", side.baseline), " ");
  const list = element("dl", undefined, "figures");
  list.append(
    figure("Images", count(samples.images)),
    figure("Detections", count(samples.detections)),
    ...means.map(([text, value]) => figure(text, value)),
  );
  made.append(head, which, list);
  return made;
}

function foundPart(report) {
  const scores = element("section", undefined, "found");
  scores.append(element("h3", "Scores"), scoreTable(report.scores));
  const classes = element("section", undefined, "found");
  if (report.affected_classes.length) classes.append(...movedClasses(report.affected_classes));
  if (report.new_classes.length) classes.append(...newClasses(report.new_classes));
  if (!classes.children.length) classes.append(element("h4", "Classes"), element("p", "No class moved by more than chance, and none is new.", "quiet"));
  if (report.limitations.length) classes.append(element("h4", "Limitations"), limitations(report.limitations));
  const both = element("div", undefined, "founds");
  both.append(scores, classes);
  return [both];
}
