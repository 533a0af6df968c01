// Any two periods of a model compared: what to compare stands in the form and in the address, so that links work.

import { getSlow, LoggedOut, NoAnswer, Refused, toLogin } from "../base/api.js";
import { byId, element, setText, showText } from "../base/dom.js";
import { fillReport } from "./report.js";
import { slicesPart } from "./slices.js";

const FIELDS = ["model_id", "reference_period", "current_period", "slice"];
const DAY_S = 86400;
const QUICK = [
  { text: "Last 24 h against the baseline", current: "24h" },
  { text: "Last hour against the baseline", current: "1h" },
  { text: "Last 7 days against the baseline", current: "7d" },
  { text: "Last 24 h against the day before", current: "24h", before_s: DAY_S },
  { text: "Last 7 days against the week before", current: "7d", before_s: 7 * DAY_S },
];
let asked = 0;
let known = { models: [], baselines: [] };

const control = (name) => byId("compare").elements.namedItem(name);
const faultOf = (name) => document.getElementById(`compare-${name}-fault`);

export function startCompare() {
  const form = byId("compare");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(Object.fromEntries(FIELDS.map((name) => [name, control(name).value.trim()])));
  });
  control("model_id").addEventListener("change", offerBaselines);
  byId("compare-quick").append(...QUICK.map(quickButton));
  window.addEventListener("popstate", fromAddress);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("a[data-compare]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    ask(Object.fromEntries(new URL(link.href).searchParams));
  });
}

/** A link to a comparison; a click on it asks without leaving the page. */
export function compareLink(text, question) {
  const made = element("a", text);
  made.href = addressOf(question);
  made.dataset.compare = "";
  return made;
}

/** What there is to choose from; the first time also what the address asks for. */
export function offerModels(models, baselines) {
  const isFirst = known.models.length === 0 && models.length > 0;
  const mark = JSON.stringify([models, baselines.map(({ baseline_id: id }) => id)]);
  if (known.mark === mark) return;
  known = { models, baselines, mark };
  const select = control("model_id");
  const chosen = select.value;
  select.replaceChildren(...models.map((id) => new Option(id, id)));
  if (models.includes(chosen)) select.value = chosen;
  offerBaselines();
  byId("compare").hidden = models.length === 0;
  if (isFirst) fromAddress();
}

function offerBaselines() {
  const names = baselinesOf(control("model_id").value).map(({ name }) => name);
  byId("compare-references").replaceChildren(...[...new Set([...names, "7d", "24h"])].map((value) => Object.assign(element("option"), { value })));
  if (!control("reference_period").value && names.length) control("reference_period").value = names[0];
}

/** The baselines that a model or version is judged by, the latest first: its own, else those of its model. */
function baselinesOf(id) {
  const [model, version = ""] = id.split("@");
  const all = known.baselines.filter((baseline) => baseline.model === model).sort((one, other) => other.created_at - one.created_at);
  const own = all.filter((baseline) => baseline.version === version);
  return own.length ? own : all;
}

function quickButton({ text, current, before_s: before }) {
  const made = element("button", text);
  made.type = "button";
  made.addEventListener("click", () => {
    const model = control("model_id").value;
    const [baseline] = baselinesOf(model);
    if (!before && !baseline) {
      clearFaults();
      fault("reference_period", `${model} has no baseline yet: freeze a period as one, or give a period`);
      return;
    }
    const reference = before ? periodBefore(before) : baseline.name;
    ask({ model_id: model, reference_period: reference, current_period: current, slice: control("slice").value.trim() });
  });
  return made;
}

/** The period as long as what ends now, before it. */
function periodBefore(length) {
  const minute = Math.floor(Date.now() / 60000) * 60;
  const text = (at) => new Date(at * 1000).toISOString().replace(".000", "");
  return `${text(minute - 2 * length)}/${text(minute - length)}`;
}

const addressOf = (question) =>
  `/drift?${new URLSearchParams(Object.entries(question).filter(([name, value]) => FIELDS.includes(name) && value))}`;

function fromAddress() {
  const query = new URLSearchParams(location.search);
  if (query.get("model_id")) ask(Object.fromEntries(query), { isNew: false });
}

async function ask(question, { isNew = true } = {}) {
  asked += 1;
  const turn = asked;
  fillForm(question);
  clearFaults();
  const missing = ["reference_period", "current_period"].filter((name) => !question[name]);
  for (const name of missing) fault(name, "is needed");
  if (missing.length) {
    control(missing[0]).focus();
    return;
  }
  if (isNew) history.pushState(null, "", addressOf(question));
  busy(true);
  try {
    const asks = Object.fromEntries(FIELDS.map((name) => [name, question[name] || ""]));
    const report = await getSlow(`/api/v1/drift?${new URLSearchParams({ ...asks, distributions: "true" })}`);
    if (turn !== asked) return;
    fillReport(byId("comparison"), report);
    if (!report.slice) byId("comparison").append(slicesPart(asks, compareLink));
    byId("comparison").hidden = false;
    showText(byId("comparison-empty"), "");
    setText(byId("comparison-said"), report.sentence);
    byId("comparison-title").focus();
  } catch (error) {
    if (turn === asked) failed(error);
  } finally {
    if (turn === asked) busy(false);
  }
}

function fillForm(question) {
  const select = control("model_id");
  if (question.model_id && ![...select.options].some(({ value }) => value === question.model_id)) {
    select.append(new Option(question.model_id, question.model_id));
  }
  for (const name of FIELDS) control(name).value = question[name] || (name === "model_id" ? select.value : "");
}

function busy(is) {
  byId("compare-submit").toggleAttribute("aria-busy", is);
  if (!is) return byId("comparison").toggleAttribute("aria-busy", false);
  setText(byId("comparison-said"), "Comparing…");
  showText(byId("comparison-empty"), byId("comparison").hidden ? "Comparing: that takes some seconds where periods are long." : "");
  return byId("comparison").toggleAttribute("aria-busy", true);
}

function failed(error) {
  byId("comparison").hidden = true;
  setText(byId("comparison-said"), "");
  if (error instanceof LoggedOut) return toLogin();
  if (!(error instanceof Refused || error instanceof NoAnswer)) throw error;
  const told = error.faults || [];
  const here = told.filter(({ field }) => FIELDS.includes(field));
  for (const { field, message } of here) fault(field, message);
  const rest = told.length ? told.filter((one) => !here.includes(one)).map(({ field, message }) => `${field}: ${message}`) : [error.message];
  showText(byId("compare-fault"), rest.join("; "));
  showText(byId("comparison-empty"), "Nothing was compared.");
  if (here.length) control(here[0].field).focus();
  return undefined;
}

function fault(name, message) {
  showText(faultOf(name), message);
  control(name).setAttribute("aria-invalid", "true");
}

function clearFaults() {
  showText(byId("compare-fault"), "");
  for (const name of FIELDS) {
    showText(faultOf(name), "");
    control(name).removeAttribute("aria-invalid");
  }
}
