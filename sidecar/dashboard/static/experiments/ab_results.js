// What an A/B test has found: figures by variant, differences, guardrails, whether the split is as planned.

import { badge, bar, element, scroller, tableOf } from "../base/dom.js";
import { count, inUnit, milliseconds, number, offBy, part, percent, plural, pValue } from "../base/format.js";
import { differenceRow, intervalPicture } from "../base/plots.js";
import { nameOf } from "./settings.js";
import { verdictWords } from "./verdicts.js";

const METRICS = {
  confidence: "Confidence",
  latency: "Latency",
  feedback_score: "Feedback",
  error_rate: "Error rate",
  detections_per_image: "Detections per image",
  no_detection_rate: "Images without detections",
  undecodable_rate: "Unreadable answers",
  slow_rate: "Slow requests",
};
const DECISIONS = {
  harmful: ["Harmful", "alarm", "bad"],
  safe: ["Safe", "tick", "good"],
  not_yet: ["Not known yet", "ring", "quiet"],
};
export const labelOf = (metric) => METRICS[metric] || metric;

/** The parts of a card, in order: {name, data, make, fill}. */
export function abParts(results, ended) {
  const shown = { ended, several: results.comparisons.length > 1, control: nameOf(results, results.model_a.name) };
  const units = { srm: results.srm, names: namesOf(results), longer: ended ? null : longerOf(results) };
  return [
    { name: "variants", data: Object.values(results.variants), make: makeVariants, fill: fillVariants },
    ...results.comparisons.flatMap((comparison) => comparisonParts(comparison, results, shown)),
    { name: "units", data: units, make: makeHalf, fill: fillUnits },
    { name: "notes", data: results.notes, make: () => element("ul", undefined, "limitations quiet"), fill: fillNotes },
  ];
}

const makePart = () => element("section", undefined, "part");
const makeHalf = () => element("section", undefined, "part half");
const namesOf = (results) =>
  Object.fromEntries(Object.keys(results.variants).map((name) => [name, nameOf(results, name)]));

function comparisonParts(comparison, results, { ended, several, control }) {
  const treatment = nameOf(results, comparison.variant);
  const { alpha } = results;
  const { metrics } = comparison;
  const verdict = several ? verdictWords(comparison.verdict, [comparison], ended) : null;
  return [
    {
      name: `differences ${comparison.variant}`,
      data: { metrics, control, treatment, alpha, verdict },
      make: makePart,
      fill: fillDifferences,
    },
    {
      name: `guardrails ${comparison.variant}`,
      data: { guardrails: comparison.guardrails, treatment: several ? treatment : "" },
      make: makeHalf,
      fill: fillGuardrails,
    },
  ];
}

function makeVariants() {
  const made = scroller("Figures of each variant");
  made.classList.add("half");
  return made;
}

const FIGURES = [
  ["Units", (one) => count(one.n)],
  ["Images", (one) => count(one.images)],
  ["Confidence", (one) => number(one.avg_confidence)],
  ["Latency p50", (one) => milliseconds(one.p50_latency_ms)],
  ["Latency p99", (one) => milliseconds(one.p99_latency_ms)],
  ["Error rate", (one) => percent(one.error_rate)],
  ["Detections per image", (one) => number(one.detections_per_image)],
  ["Without detections", (one) => percent(one.no_detection_rate)],
  ["Unreadable", (one) => percent(one.undecodable_rate)],
  ["Slow requests", (one) => percent(one.slow_rate)],
  ["Feedback", feedbackText],
];
const WHERE_KNOWN = ["Slow requests"]; // what slow means is not known of every test

function feedbackText(one) {
  if (one.feedback_score === null) return "–";
  return `${percent(one.feedback_score)} of ${count(one.n_feedback)}`;
}

function fillVariants(node, variants) {
  const rows = FIGURES.map(([label, text]) => [label, ...variants.map(text)]);
  const isKnown = (texts) => texts.some((text) => text !== "–");
  const shown = rows.filter(([label, ...texts]) => !WHERE_KNOWN.includes(label) || isKnown(texts));
  node.replaceChildren(tableOf(["Figure", ...variants.map(headOf)], shown));
}

/** The model id, and the variant's own name, by which the sentence calls it. */
function headOf({ id, name }, place) {
  const also = [...(id && id !== name ? [name] : []), ...(place ? [] : ["control"])];
  return `${id || name}${also.length ? ` (${also.join(", ")})` : ""}`;
}

function fillDifferences(node, { metrics, control, treatment, alpha, verdict }) {
  const heading = element("h2", `${treatment} less ${control}`);
  if (verdict) heading.append(" ", badge(...verdict));
  const rows = element("ul", undefined, "differences");
  rows.append(...Object.values(metrics).map(metricRow));
  const how = element(
    "p",
    `Lines are ${part(1 - alpha)} confidence sequences: they and the always-valid p hold however often one looks. ` +
      "The upright stroke is no difference (of ratios: 1 time). " +
      "The fixed-horizon p holds for one look at a number of units settled beforehand.",
    "quiet small",
  );
  node.replaceChildren(heading, rows, how);
}

const KINDS = { model_a: ["worse", "bad"], model_b: ["better", "good"] };

function metricRow(item) {
  const ratio = item.confidence_sequence_of === "ratio";
  const [low, high] = boundsOf(item, ratio);
  const point = ratio ? ratioOf(item) : item.difference;
  const [word, kind] = KINDS[item.favours] || (item.significant ? ["differs", "warn"] : ["", "open"]);
  const tags = item.primary ? [["primary", ""]] : [];
  if (word) tags.push([word, kind]);
  return differenceRow({
    label: labelOf(item.metric),
    tags,
    values: `${inUnit(item.unit, item.model_a)} → ${inUnit(item.unit, item.model_b)}${betterText(item)}`,
    picture: intervalPicture({ low, high, point, mark: ratio ? 1 : 0, ratio, kind }),
    interval: intervalText(item, ratio),
    tests: testsText(item),
    note: item.reason,
  });
}

const betterText = ({ direction }) => (direction.endsWith("better") ? ` (${direction})` : "");
const ratioOf = ({ model_a: a, model_b: b }) => (a > 0 && b !== null ? b / a : null);

/** That a ratio is not under 0 is no bound. */
function boundsOf({ confidence_sequence: [low, high] }, ratio) {
  return [ratio && low === 0 ? null : low, high];
}

function intervalText(item, ratio) {
  const [low, high] = boundsOf(item, ratio);
  if (item.difference === null) return "Nothing to compare yet";
  const relative = item.relative_difference === null ? "" : ` (${offBy("", 100 * item.relative_difference)} %)`;
  const now = item.difference === 0 ? "No difference so far" : `${offBy(item.unit, item.difference)}${relative}`;
  if (low === null && high === null) return `${now}, not bounded yet`;
  const [from, to] = [low, high].map((side) => (ratio ? number(side) : offBy(item.unit, side)));
  const range = low === null ? `at most ${to}` : high === null ? `at least ${from}` : `${from} to ${to}`;
  return `${now}; ${range}${ratio ? " times" : ""}`;
}

function testsText(item) {
  const valid = pValue(item.p_value_always_valid);
  const adjusted = item.p_adjusted === item.p_value_always_valid ? "" : ` (adjusted ${pValue(item.p_adjusted)})`;
  const n = `n ${count(item.n.model_a)} and ${count(item.n.model_b)}`;
  return `always-valid p ${valid}${adjusted}; fixed-horizon p ${pValue(item.p_value_fixed_horizon)}; ${n}`;
}

function fillGuardrails(node, { guardrails, treatment }) {
  node.replaceChildren(element("h2", treatment ? `Guardrails of ${treatment}` : "Guardrails"));
  if (!guardrails.length) {
    node.append(element("p", "None: nothing stops this test by itself.", "quiet"));
    return;
  }
  const list = element("ul", undefined, "guardrails");
  for (const { metric, decision, reason } of guardrails) {
    const row = element("li");
    row.append(badge(...DECISIONS[decision]), element("strong", labelOf(metric)), element("span", withoutName(reason, metric), "quiet"));
    list.append(row);
  }
  node.append(list);
}

/** A reason without the name of the metric, which stands before it. */
const withoutName = (reason, metric) => (reason.startsWith(`${metric}: `) ? reason.slice(metric.length + 2) : reason);

function fillUnits(node, { srm, names, longer }) {
  const split = element("p");
  const observed = Object.values(srm.observed).map(count).join(" : ");
  const expected = Object.values(srm.expected).map((n) => count(Math.round(n))).join(" : ");
  const got = Object.keys(srm.observed).map((name) => names[name] || name);
  split.append(
    srm.ok ? badge("As planned", "tick", "good") : badge("Sample ratio mismatch", "alarm", "bad"),
    ` ${got.join(" : ")} got ${observed} units, expected ${expected} (p ${pValue(srm.p_value)})`,
  );
  node.replaceChildren(element("h2", "Split of the units"), split);
  if (longer) node.append(element("h2", "How much longer"), ...longerLines(longer));
}

/** What is sure takes no longer. */
function longerOf({ how_much_longer: longer, comparisons, winner, verdict }) {
  const { metrics } = comparisons.find(({ variant }) => variant === winner) || comparisons[0];
  const planned = metrics[longer.metric];
  if (!planned || !planned.significant || verdict === "invalid") return longer;
  return { units: null, text: `It is sure that ${longer.metric} differs: no need to wait for that.` };
}

function longerLines({ units, units_seen: seen, text }) {
  const lines = [element("p", text)];
  if (units) {
    const progress = element("p", undefined, "progress quiet");
    const enough = `${count(seen)} units, ${count(units)} were needed`;
    const words = seen < units ? `${count(seen)} of ${plural(units, "unit", "units")}` : enough;
    progress.append(bar(seen / units), element("span", words));
    lines.push(progress);
  }
  return lines;
}

function fillNotes(node, notes) {
  node.hidden = notes.length === 0;
  node.replaceChildren(...notes.map((text) => element("li", text)));
}
