// What a test was asked to be, and the names of its variants.

import { element } from "../base/dom.js";
import { number, part, plural } from "../base/format.js";

/** The model id of a variant, as results tell it. */
export function nameOf(results, variant) {
  const figures = results.variants[variant];
  return figures && figures.id ? figures.id : variant;
}

/** The part of a card that repeats what was asked for. */
export function settingsPart(test) {
  const lines = test.kind === "ab_test" ? abLines(test) : shadowLines(test);
  return { name: "settings", data: lines, make: makePart, fill: fillPart };
}

function makePart() {
  const made = element("details", undefined, "part");
  made.append(element("summary", "As it was asked for"), element("dl", undefined, "settings"));
  return made;
}

function fillPart(node, lines) {
  node.lastElementChild.replaceChildren(
    ...lines.flatMap(([term, text]) => [element("dt", term), element("dd", text)]),
  );
}

function abLines(test) {
  const [primary, ...others] = test.metrics;
  const lines = [
    ["Id", test.id],
    ["Unit", test.unit],
    ["Primary metric", primary],
    ["Further metrics", others.join(", ") || "none"],
    ["Guardrails", test.guardrails.map(guardrailText).join(", ") || "none"],
    ["Duration", daysText(test.duration_days)],
    ["False alarms", `a chance of ${part(test.alpha)}; bounds are tightest at ${plural(test.plan_units, "unit", "units")}`],
  ];
  if (test.effect !== null) lines.push(["Effect to find", part(test.effect)]);
  if (test.ramp) lines.push(["Ramp", rampText(test.ramp)]);
  if (test.units_last_day !== null) lines.push(["Units of the last day", number(test.units_last_day)]);
  if (test.exclude) lines.push(["Left out", `requests with the header ${test.exclude}`]);
  if (test.override_header) lines.push(["Override", `the header ${test.override_header} names the variant`]);
  lines.push(["While B is down", test.failover ? "A answers for it; nothing is compared meanwhile" : "its requests fail, and count as errors"]);
  if (test.notify.length) lines.push(["Told to", test.notify.join(", ")]);
  return [...lines, ["Made by", test.origin]];
}

function shadowLines(test) {
  return [
    ["Id", test.id],
    ["Share", `${part(test.share)} of the requests are copied`],
    ["Duration", daysText(test.duration_days)],
    ["Boxes overlap", `from an IoU of ${test.iou_min}`],
    ["Kept for review", `up to ${plural(test.samples_per_hour, "image", "images")} an hour that both see least alike`],
    ["Made by", test.origin],
  ];
}

const daysText = (days) => (days === null ? "until it is stopped" : `${number(days)} ${days === 1 ? "day" : "days"}`);

function guardrailText({ metric, margin, floor }) {
  return `${metric} ${number(margin)} times${floor ? ` (or under ${part(floor)})` : ""}`;
}

function rampText({ shares, hours, units }) {
  const least = `${plural(hours, "hour", "hours")} and ${plural(units, "unit", "units")} of each arm`;
  return `${shares.map(part).join(" → ")}, each for ${least} at least`;
}
