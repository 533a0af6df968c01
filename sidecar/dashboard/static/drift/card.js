// One model version: its normal, and the latest check against it.

import { badge, element, figure } from "../base/dom.js";
import { count, length, number, period, plural } from "../base/format.js";
import { spanOf } from "./checks.js";
import { compareLink } from "./compare.js";
import { limitations, movedClasses, newClasses, scoreTable, VERDICTS } from "./scores.js";

const IMAGES_MIN = 100; // that the monitor wants for a baseline

/** `entry` is {id, model, version, baseline, others, rule, check, checkedAgainst}. */
export function fillDriftCard(card, entry) {
  card.replaceChildren(title(entry), baselinePart(entry), ...checkPart(entry));
}

function title({ id, check }) {
  const made = element("h3", id);
  made.append(badge(...(check ? VERDICTS[check.report.verdict] : ["Not checked yet", "ring", "quiet"])));
  return made;
}

function baselinePart({ id, baseline, others, version, rule }) {
  const part = element("div", undefined, "baseline");
  part.append(element("h4", "Normal"));
  if (baseline === null) {
    part.append(element("p", noBaselineText(rule), "quiet"));
    return part;
  }
  const { figures } = baseline;
  const which = element("p");
  const isOwn = baseline.version === version;
  which.append(element("strong", baseline.name), " ");
  if (!isOwn) which.append(element("span", `of ${baseline.model_id}`, "tag"), " ");
  which.append(period(baseline.since, baseline.until));
  const notes = [baseline.origin === "auto" ? "frozen automatically" : "set by a person"];
  if (!isOwn) notes.unshift("this version has none of its own");
  if (others) notes.push(plural(others, "older one is kept", "older ones are kept"));
  which.append(element("span", ` (${notes.join("; ")})`, "quiet"));
  const list = element("dl", undefined, "figures");
  list.append(
    figure("Images", count(figures.images || 0)),
    figure("Confidence", number(orNull(figures.avg_confidence))),
    figure("Detections per image", number(orNull(figures.detections_per_image))),
  );
  const compare = element("p", undefined, "links");
  compare.append(compareLink("Compare the last 24 h with it", { model_id: id, reference_period: baseline.name, current_period: "24h" }));
  part.append(which, list, compare);
  return part;
}

const orNull = (value) => (value === undefined ? null : value);

function noBaselineText(rule) {
  if (rule && rule.baseline === "off") return "No baseline, and none is frozen automatically: drift.baseline is off.";
  const first = rule && rule.baseline_period ? `the first ${length(rule.baseline_period)}` : "the first days";
  return `No baseline yet: ${first} of traffic will be it, once that has ${IMAGES_MIN} images.`;
}

/** What a check was made against; whose it was is known of a baseline that is gone too. */
function againstText({ reference }, baseline, id) {
  const whose = baseline ? baseline.model_id : reference && reference.model_id;
  const of = whose && whose !== id ? ` of ${whose}` : "";
  return baseline ? `against ${baseline.name}${of}` : `against a baseline${of} that is gone`;
}

function checkPart({ id, check, checkedAgainst }) {
  if (!check) return [element("p", "No check yet: the first comes once a whole window after the baseline is over.", "quiet unchecked")];
  const { report } = check;
  const part = element("div", undefined, "check");
  const against = againstText(check, checkedAgainst, id);
  part.append(
    element("h4", "Latest check"),
    element("p", `${period(check.since, check.until)}, ${against}`, "quiet"),
    element("p", report.sentence),
    scoreTable(report.scores),
  );
  if (report.affected_classes.length) part.append(...movedClasses(report.affected_classes));
  if (report.new_classes.length) part.append(...newClasses(report.new_classes));
  if (report.limitations.length) part.append(limitations(report.limitations));
  if (checkedAgainst) {
    const question = { model_id: check.model_id, reference_period: checkedAgainst.name, current_period: spanOf(check), slice: check.slice };
    const draw = element("p", undefined, "links");
    draw.append(compareLink("Draw its distributions", question));
    part.append(draw);
  }
  return [part];
}
