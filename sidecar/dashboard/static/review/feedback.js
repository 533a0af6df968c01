// How right a model is, by what people said: one report at a time, of the model that is chosen.

import { get } from "../base/api.js";
import { arrange, byId, element, showText } from "../base/dom.js";
import { fillReport } from "./feedback_card.js";
import { recordedModels } from "../base/model_ids.js";

const READ_EVERY_MS = 30000; // a report reads every review of a month
const shown = { of: "", at: 0 };
let report = null;

/** `models` is the answer of /api/v1/models. */
export async function refreshFeedback(models) {
  const names = recordedModels(await models);
  const select = byId("feedback-model");
  arrange(select, names, {
    key: (name) => name,
    make: (name) => Object.assign(element("option", name), { value: name }),
  });
  byId("feedback-form").hidden = names.length === 0;
  const empty = "No prediction is recorded yet: there is nothing to have an opinion of.";
  showText(byId("feedback-empty"), names.length ? "" : empty);
  if (names.length) await readReport();
}

/** Makes the choices work. */
export function startFeedback() {
  for (const id of ["feedback-model", "feedback-target"]) {
    byId(id).addEventListener("change", () => readReport().catch(() => {})); // the next refresh says it
  }
}

async function readReport() {
  const model = byId("feedback-model").value;
  const target = byId("feedback-target").value;
  const of = `${target} ${model}`;
  if (shown.of === of && Date.now() - shown.at < READ_EVERY_MS) return;
  const query = new URLSearchParams({ model_id: model, target_precision: target });
  const found = await get(`/api/v1/feedback/report?${query}`);
  if (of !== `${byId("feedback-target").value} ${byId("feedback-model").value}`) return; // another was chosen meanwhile
  shown.of = of;
  shown.at = Date.now();
  const mark = JSON.stringify({ ...found, since: 0, until: 0 });
  if (report === mark) return;
  report = mark;
  fillReport(byId("feedback-report"), found);
  byId("feedback-report").hidden = false;
}
