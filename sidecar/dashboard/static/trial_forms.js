// The forms by which a test of versions is begun: what is asked, and how it is told to the sidecar.

import { get, post } from "./api.js";
import { openForm } from "./form_dialog.js";

const METRICS = ["confidence", "latency", "feedback_score"];
const SHARE = "0.1 is 10 %";

/** A number as it was typed; what is none goes to the sidecar as it is, which says what is wrong with it. */
export function amount(text) {
  const found = Number(text);
  return text === "" || Number.isNaN(found) ? text : found;
}

const list = (text) => text.split(",").map((item) => item.trim()).filter((item) => item);

/** Asks for an A/B test and begins it; null where the form was left. `modelIds` are suggested. */
export async function newAbTest(modelIds) {
  const catalogue = (await get("/api/v1/ab-tests/metrics")).items;
  const metrics = catalogue.map(({ metric, description }) => ({ value: metric, text: `${metric}: ${description}` }));
  return openForm({
    title: "New A/B test",
    note: "Begins at once. Control and treatment serve the same model; all that is not in treatment goes to control.",
    button: "Begin the test",
    fields: abFields(modelIds, metrics),
    send: (values) => post("/api/v1/ab-tests", abDocument(values)),
  });
}

function abFields(modelIds, metrics) {
  const names = metrics.map(({ value }) => ({ value, text: value }));
  return [
    { name: "name", label: "Name", required: true },
    { name: "model_a_id", label: "Model A, control", note: "name@version", options: modelIds, required: true },
    { name: "model_b_id", label: "Model B, treatment", note: "name@version", options: modelIds, required: true },
    { name: "traffic_split", path: "config.traffic_split", label: "Share of traffic to B", note: SHARE, value: "0.1" },
    { name: "primary", path: "config.metrics", label: "Primary metric", kind: "choice", options: names, value: METRICS[0] },
    { name: "metrics", path: "config.metrics", label: "Further metrics", kind: "marks", options: metrics, value: METRICS.slice(1) },
    {
      name: "unit",
      path: "config.unit",
      label: "Unit",
      note: "What stays with one version: request, client, or header:NAME for a camera or a user.",
      options: ["request", "client", "header:X-Camera"],
      value: "request",
    },
    { name: "duration_days", path: "config.duration_days", label: "Days", note: "Empty: until it is stopped.", value: "7" },
    {
      name: "ramp",
      path: "config.ramp",
      label: "Ramp",
      note: "Shares in order, such as 0.01, 0.05, 0.25, 0.5: each step waits for the guardrails. Empty: none.",
      more: true,
    },
    {
      name: "guardrails",
      path: "config.guardrails",
      label: "Guardrails",
      note: "A line each: metric, margin and maybe a floor, such as error_rate 1.5 0.005. Empty: the usual ones; none: none.",
      kind: "lines",
      more: true,
    },
    { name: "treatments", path: "config.treatments", label: "Further models", note: "Separated by commas.", more: true },
    { name: "exclude", path: "config.exclude", label: "Header of requests to leave out", note: "NAME or NAME=value", more: true },
    { name: "override_header", path: "config.override_header", label: "Header by which testers name a variant", more: true },
    { name: "notify", path: "config.notify", label: "Channels to tell", note: "Such as email:team@company.com; separated by commas.", more: true },
    { name: "alpha", path: "config.alpha", label: "Level α", note: "Empty: 0.05", more: true },
    { name: "plan_units", path: "config.plan_units", label: "Units at which it shall be sharpest", note: "Empty: 5000", more: true },
    { name: "effect", path: "config.effect", label: "Effect to plan for", note: "As a share of A's value: 0.05 is 5 %.", more: true },
  ];
}

/** Only what was filled in: for the rest the sidecar has its own. */
function abDocument({ name, model_a_id, model_b_id, ...asked }) {
  const config = {
    metrics: [asked.primary, ...asked.metrics.filter((metric) => metric !== asked.primary)],
    duration_days: asked.duration_days === "" ? null : amount(asked.duration_days),
  };
  if (asked.ramp) config.ramp = list(asked.ramp).map(amount);
  else config.traffic_split = amount(asked.traffic_split);
  if (asked.guardrails) config.guardrails = guardrailsOf(asked.guardrails);
  for (const key of ["treatments", "notify"]) if (asked[key]) config[key] = list(asked[key]);
  for (const key of ["unit", "exclude", "override_header"]) if (asked[key]) config[key] = asked[key];
  for (const key of ["alpha", "plan_units", "effect"]) if (asked[key]) config[key] = amount(asked[key]);
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
export function newShadowTest(modelIds) {
  return openForm({
    title: "New shadow test",
    note: "Begins at once. Copies of requests go to the shadow version; what clients get does not change.",
    button: "Begin the test",
    fields: [
      { name: "name", label: "Name", required: true },
      { name: "model_id", label: "Model that serves", note: "name or name@version", options: modelIds, required: true },
      { name: "shadow_model_id", label: "Shadow version", note: "name@version", options: modelIds, required: true },
      { name: "share", path: "config.share", label: "Share of requests to copy", note: SHARE, value: "0.1" },
      { name: "duration_days", path: "config.duration_days", label: "Days", note: "Empty: until it is stopped.", value: "7" },
      { name: "iou_min", path: "config.iou_min", label: "IoU from which boxes are one", note: "Empty: 0.5", more: true },
      { name: "samples_per_hour", path: "config.samples_per_hour", label: "Images an hour to keep for review", note: "Empty: 60", more: true },
    ],
    send: (values) => post("/api/v1/shadow-tests", shadowDocument(values)),
  });
}

function shadowDocument({ name, model_id, shadow_model_id, ...asked }) {
  const config = { duration_days: asked.duration_days === "" ? null : amount(asked.duration_days) };
  for (const key of ["share", "iou_min", "samples_per_hour"]) if (asked[key]) config[key] = amount(asked[key]);
  return { name, model_id, shadow_model_id, config };
}
