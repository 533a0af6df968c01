// The forms by which a test of versions is begun: what is asked, and how it is told to the sidecar.

import { get, post } from "../base/api.js";
import { openForm } from "../base/form_dialog.js";

const METRICS = ["confidence", "latency", "feedback_score"];
const SHARE = "0.1 is 10 %";
const DOWN = [
  { value: "", text: "A answers for it, and nothing is compared meanwhile" },
  { value: "no", text: "its requests fail, and count as its errors" },
];

/** A number as it was typed; what is none goes to the sidecar as it is, which says what is wrong with it. */
export function amount(text) {
  const found = Number(text);
  return text === "" || Number.isNaN(found) ? text : found;
}

const list = (text) => text.split(",").map((item) => item.trim()).filter((item) => item);

/**
 * Asks for an A/B test and begins it; null where the form was left. `modelIds` are suggested; where one alone of
 * `servingIds` serves, it is filled in.
 */
export async function newAbTest(modelIds, servingIds) {
  const catalogue = (await get("/api/v1/ab-tests/metrics")).items;
  const metrics = catalogue.map(({ metric, description }) => ({ value: metric, text: `${metric}: ${description}` }));
  return openForm({
    title: "New A/B test",
    note: "Begins at once. Control and treatment serve the same model; all that is not in treatment goes to control.",
    button: "Begin the test",
    fields: abFields(modelIds, metrics, onlyOf(servingIds)),
    send: (values) => post("/api/v1/ab-tests", abDocument(values)),
  });
}

/** A field of the config: the sidecar calls it by its name. */
const asked = (name, label, note, rest = {}) => ({ name, path: `config.${name}`, label, note, ...rest });
const more = (name, label, note, rest = {}) => asked(name, label, note, { ...rest, more: true });
const days = () => asked("duration_days", "Days", "Leave empty to run until it is stopped.", { value: "7" });
const titled = () => ({ name: "name", label: "Name of the test", required: true });
const onlyOf = (ids) => (ids.length === 1 ? ids[0] : "");
const version = (name, label, options, rest = {}) => ({
  name,
  label,
  note: "name@version, as in the configuration",
  options,
  picks: true,
  required: true,
  ...rest,
});

function abFields(modelIds, metrics, serving) {
  const names = metrics.map(({ value }) => ({ value, text: value }));
  const primary = { path: "config.metrics", kind: "choice", options: names, value: METRICS[0] };
  return [
    titled(),
    version("model_a_id", "Model A, control: serves now", modelIds, { value: serving }),
    version("model_b_id", "Model B, treatment: to try", modelIds),
    asked("traffic_split", "Share of traffic to B", SHARE, { value: "0.1" }),
    asked("primary", "Primary metric", "", primary),
    asked("metrics", "Further metrics", "", { kind: "marks", options: metrics, value: METRICS, without: "primary" }),
    asked("unit", "What stays with one version", "request, client, or header:NAME for a camera or a user.", {
      options: ["request", "client", "header:X-Camera"],
      value: "request",
    }),
    days(),
    more(
      "ramp",
      "Growing share",
      "In place of the share above: shares in order, such as 0.01, 0.05, 0.25. Each step waits for the guardrails.",
    ),
    more(
      "guardrails",
      "Guardrails: what stops the test by itself",
      "A line each: a metric and how many times A's value is too much; then, if wanted, a rate under which it is safe " +
        "anyway. For example: error_rate 1.5 0.005. Leave empty for the sidecar's own; write the word none for no guardrails.",
      { kind: "lines" },
    ),
    more("treatments", "Further versions to try", "name@version, separated by commas."),
    more("exclude", "Leave out requests with this header", "NAME or NAME=value"),
    more("override_header", "Header by which testers choose a version", "A header's name; such requests count nowhere."),
    more("failover", "While B's server is down", "Either way the results say how it was.", { kind: "choice", options: DOWN, value: "" }),
    more("notify", "Who is told when a guardrail stops it", "Such as email:team@company.com; separated by commas."),
    more("alpha", "Chance of a false alarm", "Leave empty for 0.05, which is 5 %."),
    more("plan_units", "How many units you expect", "Results are sharpest around that many. Leave empty for 5000."),
    more("effect", "Smallest difference worth finding", "As a share of A's value: 0.05 is 5 %. For how much longer it takes."),
  ];
}

/** Only what was filled in: for the rest the sidecar has its own. */
function abDocument({ name, model_a_id, model_b_id, ...given }) {
  const config = {
    metrics: [given.primary, ...given.metrics.filter((metric) => metric !== given.primary)],
    duration_days: given.duration_days === "" ? null : amount(given.duration_days),
  };
  if (given.ramp) config.ramp = list(given.ramp).map(amount);
  else config.traffic_split = amount(given.traffic_split);
  if (given.guardrails) config.guardrails = guardrailsOf(given.guardrails);
  for (const key of ["treatments", "notify"]) if (given[key]) config[key] = list(given[key]);
  for (const key of ["unit", "exclude", "override_header"]) if (given[key]) config[key] = given[key];
  if (given.failover) config.failover = false;
  for (const key of ["alpha", "plan_units", "effect"]) if (given[key]) config[key] = amount(given[key]);
  return { name, model_a_id, model_b_id, config };
}

function guardrailsOf(text) {
  if (text.toLowerCase() === "none") return [];
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line);
  return lines.map((line) => {
    const [metric, margin = "", floor] = line.split(/\s+/);
    const found = { metric, margin: amount(margin) };
    return floor === undefined ? found : { ...found, floor: amount(floor) };
  });
}

/** Asks for a shadow test and begins it; null where the form was left. */
export function newShadowTest(modelIds, servingIds) {
  return openForm({
    title: "New shadow test",
    note: "Begins at once. Copies of requests go to the shadow version; what clients get does not change.",
    button: "Begin the test",
    fields: [
      titled(),
      version("model_id", "Model that serves", modelIds, {
        note: "name or name@version, as in the configuration",
        value: onlyOf(servingIds),
      }),
      version("shadow_model_id", "Shadow version: to try", modelIds),
      asked("share", "Share of requests to copy", SHARE, { value: "0.1" }),
      days(),
      more("iou_min", "Overlap from which two boxes are one", "An IoU over 0 and under 1. Leave empty for 0.5."),
      more("samples_per_hour", "Images an hour to keep for review", "Those that both see least alike. Leave empty for 60."),
    ],
    send: (values) => post("/api/v1/shadow-tests", shadowDocument(values)),
  });
}

function shadowDocument({ name, model_id, shadow_model_id, ...given }) {
  const config = { duration_days: given.duration_days === "" ? null : amount(given.duration_days) };
  for (const key of ["share", "iou_min", "samples_per_hour"]) if (given[key]) config[key] = amount(given[key]);
  return { name, model_id, shadow_model_id, config };
}
