// The form of an alert: what it watches and when it fires, with what it would have done over the past week beside it.

import { get, patch, post } from "../base/api.js";
import { element } from "../base/dom.js";
import { openForm } from "../base/form_dialog.js";
import { versionIds } from "../base/model_ids.js";
import { channelChoices } from "./channels.js";
import { Preview } from "./preview.js";
import { COMPARED, metricName, OPERATORS, valueText } from "./words.js";

const SIDECAR = ""; // the model id of the sidecar itself
const NO_PREVIEW = "There is no preview of this metric: its past is not kept in summaries.";

/** A new alert, or a change of `alert`; resolves to it as it is then, or to null where the dialog was left. `alerts` are
 * those there are. */
export async function openAlertForm(metrics, alerts, alert = null) {
  const [models, told] = await Promise.all([alert ? [alert.model_id] : modelChoices(), channelChoices(alerts)]);
  const start = startOf(alert, models);
  let tell = () => {};
  const preview = new Preview((faults) => tell(faults.filter(({ message }) => !message.startsWith("missing"))));
  const answer = await openForm({
    title: alert ? `Change ${alert.name}` : "New alert",
    note: alert ? `Of ${alert.model_id || "the sidecar itself"}${alert.slice ? `, ${alert.slice}` : ""}. A new condition starts from inactive.` : "",
    button: alert ? "Save" : "Create",
    wide: true,
    fields: fieldsOf({ metrics, models, told, start, preview, isNew: !alert }),
    changed: (values, telling) => {
      tell = telling;
      follow(values, { metrics, alert, preview });
    },
    send: (values) => save(values, { metrics, alert }),
  });
  preview.end();
  return answer;
}

/** Names of models, and their versions. */
async function modelChoices() {
  const found = await get("/api/v1/models");
  const ids = versionIds(found);
  const names = ids.map((id) => id.split("@")[0]);
  return [...new Set([...names, ...ids])].sort();
}

function startOf(alert, models) {
  const condition = alert ? alert.condition : {};
  return {
    name: alert ? alert.name : "",
    model_id: alert ? alert.model_id : models.length ? models[0] : SIDECAR,
    metric: condition.metric || "avg_confidence",
    operator: condition.operator || "lt",
    compare: condition.compare || "value",
    threshold: condition.threshold === undefined ? "" : String(condition.threshold),
    sensitivity: condition.sensitivity === undefined ? "" : String(condition.sensitivity),
    label: condition.class || "",
    window: condition.window || "1h",
    lasting: condition.for || "",
    min_samples: condition.min_samples === undefined ? "" : String(condition.min_samples),
    no_data: condition.no_data || "keep",
    notify: alert ? alert.notify.join("\n") : "",
    enabled: !alert || alert.enabled ? ["enabled"] : [],
  };
}

function fieldsOf({ metrics, models, told, start, preview, isNew }) {
  const of = (values) => metrics.get(values.metric);
  const isAnomaly = (values) => values.operator === "anomaly";
  const hasSamples = (values) => Boolean(of(values).samples);
  const choices = (texts) => Object.entries(texts).map(([value, text]) => ({ value, text }));
  const at = (name) => ({ path: `condition.${name}`, value: start[name] });
  return [
    { name: "name", label: "Name", value: start.name, required: true },
    {
      name: "model_id",
      label: "Of",
      kind: "choice",
      value: start.model_id,
      options: [...models.map((id) => ({ value: id, text: id || "the sidecar itself" })), ...(isNew ? [{ value: SIDECAR, text: "the sidecar itself" }] : [])],
      when: () => isNew,
    },
    {
      name: "metric",
      label: "What is watched",
      kind: "choice",
      ...at("metric"),
      options: [...metrics.keys()].map((value) => ({ value, text: metricName(value) })),
    },
    { name: "label", label: "Class", value: start.label, path: "condition.class", required: true, when: (values) => of(values).needs_class },
    { name: "operator", label: "Fires where it", kind: "choice", half: true, ...at("operator"), options: choices(OPERATORS) },
    { name: "threshold", ...at("threshold"), make: (id) => thresholdField(id, start.threshold), half: true, required: true, when: (values) => !isAnomaly(values) },
    {
      name: "sensitivity",
      label: "Sensitivity",
      half: true,
      note: "Robust standard deviations from what is usual at that hour, 2 to 20; 4 where it is left empty.",
      ...at("sensitivity"),
      when: isAnomaly,
    },
    {
      name: "compare",
      label: "Compared with",
      kind: "choice",
      ...at("compare"),
      options: choices(COMPARED),
      when: (values) => of(values).compare.length > 1 && !isAnomaly(values),
    },
    { name: "window", label: "Measured over", half: true, ...at("window"), required: true, options: ["5m", "15m", "1h", "6h", "1d"], picks: true },
    {
      name: "lasting",
      label: "Fires after",
      half: true,
      note: "How long it must hold; empty: it fires at once.",
      value: start.lasting,
      path: "condition.for",
      options: ["5m", "15m", "1h"],
      picks: true,
    },
    { name: "preview", make: () => ({ node: preview.node, control: preview.node, value: () => "" }) },
    {
      name: "notify",
      label: "Who is told",
      kind: "lines",
      value: start.notify,
      placeholder: "email:team@company.com\nslack:#ml-alerts",
      options: told.channels,
      note: told.note,
    },
    { name: "enabled", label: "State", kind: "marks", value: start.enabled, options: [{ value: "enabled", text: "watched from now on" }] },
    { name: "slice", label: "Only this slice of the traffic", value: "", more: true, when: () => isNew },
    { name: "min_samples", label: "Fewer samples than this are no data", note: "30 where it is left empty.", ...at("min_samples"), more: true, when: hasSamples },
    {
      name: "no_data",
      label: "Without data",
      kind: "choice",
      ...at("no_data"),
      options: choices({ keep: "it keeps its state", ok: "all is taken to be well", fire: "it counts as a breach" }),
      more: true,
    },
  ];
}

/** A number whose unit and meaning follow the metric. */
function thresholdField(id, value) {
  const node = element("div", undefined, "field");
  const label = element("label", "Threshold");
  label.htmlFor = id;
  const control = element("input");
  control.id = id;
  control.type = "text";
  control.inputMode = "decimal";
  control.autocomplete = "off";
  control.value = value;
  const unit = element("output", "", "quiet unit");
  unit.htmlFor = id;
  node.append(label, control, unit);
  return { node, control, value: () => control.value.trim() };
}

function follow(values, { metrics, alert, preview }) {
  const metric = metrics.get(values.metric);
  const form = preview.node.closest("form");
  limitOperators(form.querySelector('[data-name="operator"]'), metric);
  form.querySelector(".unit").textContent = unitText(values, metric);
  const model = alert ? alert.model_id : values.model_id;
  if (metric.source !== "summaries") return preview.ask(null, metric, NO_PREVIEW);
  if (model === SIDECAR) return preview.ask(null, metric, `${metricName(values.metric)} is of a model: choose one.`);
  if (values.operator !== "anomaly" && values.threshold === "") {
    return preview.ask(null, metric, "Give a threshold to see when it would have fired over the past week.");
  }
  if (metric.needs_class && values.label === "") return preview.ask(null, metric, "Name the class to see its share.");
  const question = { model_id: model, condition: conditionOf(values, metric), slice: alert ? alert.slice : values.slice };
  preview.ask(question, metric);
  const edge = Number(values.threshold);
  if (preview.isAsking && values.operator !== "anomaly" && compareOf(values, metric) === "value" && Number.isFinite(edge)) {
    const isLow = values.operator === "lt" || values.operator === "lte";
    preview.setEdges(isLow ? edge : null, isLow ? null : edge);
  }
  return undefined;
}

/** Anomalies are known of what is measured by the hour only. */
function limitOperators(select, { operators }) {
  for (const option of select.options) option.hidden = option.disabled = !operators.includes(option.value);
  if (select.selectedOptions[0] && select.selectedOptions[0].disabled) select.value = operators[0];
}

function unitText(values, metric) {
  const compare = compareOf(values, metric);
  const edge = Number(values.threshold);
  const known = values.threshold !== "" && Number.isFinite(edge);
  if (compare === "baseline_ratio") return known ? `${Math.round(edge * 1000) / 10} % of the baseline's` : "a factor: 0.9 is a tenth below the baseline's";
  const isShare = metric.unit === "share";
  if (compare === "baseline_difference") {
    if (isShare) return known ? `${Math.round(edge * 1000) / 10} points` : "of shares: 0.05 is 5 points";
    return `in the unit of the metric${isNamed(metric.unit) ? `, ${metric.unit}` : ""}`;
  }
  if (isShare) return known ? valueText(edge, metric) : "a share, 0 to 1: 0.05 is 5 %";
  return metric.unit === "yes or no" ? "0 or 1: above 0 means yes" : metric.unit;
}

const isNamed = (unit) => ["ms", "requests/s", "detections"].includes(unit);

const compareOf = (values, metric) =>
  metric.compare.length > 1 && values.operator !== "anomaly" ? values.compare : "value";

function conditionOf(values, metric) {
  const isAnomaly = values.operator === "anomaly";
  const condition = { metric: values.metric, operator: values.operator, window: values.window };
  if (!isAnomaly) condition.threshold = numberOf(values.threshold);
  if (isAnomaly && values.sensitivity) condition.sensitivity = numberOf(values.sensitivity);
  if (values.lasting) condition.for = values.lasting;
  if (metric.needs_class) condition.class = values.label;
  if (compareOf(values, metric) !== "value") condition.compare = values.compare;
  if (metric.samples && values.min_samples) condition.min_samples = numberOf(values.min_samples);
  if (values.no_data !== "keep") condition.no_data = values.no_data;
  return condition;
}

/** A number where it is one; else the text, of which the sidecar says what is wrong. */
function numberOf(text) {
  const value = Number(text.replace(",", "."));
  return text.trim() !== "" && Number.isFinite(value) ? value : text;
}

function save(values, { metrics, alert }) {
  const document = {
    name: values.name,
    condition: conditionOf(values, metrics.get(values.metric)),
    notify: values.notify.split("\n").map((line) => line.trim()).filter((line) => line),
    enabled: values.enabled.includes("enabled"),
  };
  if (alert) return patch(`/api/v1/alerts/${encodeURIComponent(alert.alert_id)}`, document, alert.etag);
  return post("/api/v1/alerts", { ...document, model_id: values.model_id, slice: values.slice });
}
