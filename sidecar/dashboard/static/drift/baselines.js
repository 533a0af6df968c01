// What was frozen as normal: a list, a form to freeze a period, and what can be done with each.

import { get, LoggedOut, NoAnswer, post, Refused, remove, toLogin } from "../base/api.js";
import { arrange, byId, element, showText, stamp } from "../base/dom.js";
import { openForm } from "../base/form_dialog.js";
import { count, moment, number, period } from "../base/format.js";
import { refreshNow } from "../base/page.js";

const idOf = ({ model, version }) => (version ? `${model}@${version}` : model);

export function startBaselines() {
  byId("baseline-new").addEventListener("click", freeze);
}

export function showBaselines(baselines) {
  const rows = [...baselines].sort((one, other) => other.created_at - one.created_at);
  arrange(byId("baselines"), rows, { key: ({ baseline_id: id }) => id, stamp: ({ created_at: at }) => String(at), make: () => element("li"), fill: fillRow });
  byId("baselines").hidden = rows.length === 0;
  showText(byId("baselines-empty"), rows.length ? "" : "Nothing is frozen yet. A baseline is a period of a version that is taken as its normal.");
}

function fillRow(row, baseline) {
  const name = element("p", undefined, "name");
  name.append(element("strong", baseline.name), element("span", idOf(baseline), "tag"));
  const { figures } = baseline;
  const facts = [
    period(baseline.since, baseline.until),
    `${count(figures.images || 0)} images`,
    `confidence ${number(figures.avg_confidence ?? null)}`,
    baseline.origin === "auto" ? "frozen automatically" : "set by a person",
  ];
  const what = element("p", `${facts.join(", ")}, `, "quiet");
  what.append(stamp(baseline.created_at, moment(baseline.created_at)));
  const save = element("a", "Export");
  save.href = `/api/v1/baselines/${encodeURIComponent(baseline.baseline_id)}/export`;
  save.download = `baseline-${baseline.baseline_id.slice(0, 8)}.json`;
  save.setAttribute("aria-label", `Export ${baseline.name} of ${idOf(baseline)}`);
  const drop = element("button", "Delete");
  drop.type = "button";
  drop.setAttribute("aria-label", `Delete ${baseline.name} of ${idOf(baseline)}`);
  drop.addEventListener("click", () => askDelete(baseline));
  const actions = element("div", undefined, "actions");
  actions.append(save, drop);
  const words = element("div");
  words.append(name, what);
  row.replaceChildren(words, actions);
}

async function freeze() {
  const fault = byId("baselines-fault");
  try {
    const { recorded } = await get("/api/v1/models");
    const ids = [...new Set(recorded.filter(({ model }) => model).map(idOf))].sort();
    if (ids.length === 0) {
      showText(fault, "No model has had traffic yet: there is nothing to freeze.");
      return;
    }
    showText(fault, "");
    const made = await openForm({
      title: "Freeze a period as normal",
      note: "Drift, and alerts that compare with the baseline, are judged against the latest baseline of a version.",
      button: "Freeze",
      fields: [
        { name: "model_id", label: "Of", kind: "choice", value: ids[0], options: ids.map((id) => ({ value: id, text: id })) },
        {
          name: "period",
          label: "Period",
          value: "7d",
          options: ["24h", "7d", "14d"],
          picks: true,
          required: true,
          note: "A length of time until now, days in UTC (2026-01-01:2026-01-31), or date-times with an offset.",
        },
        { name: "name", label: "Name", value: "default", required: true },
        { name: "replace", label: "If there is one of that name", kind: "marks", options: [{ value: "replace", text: "replace it" }] },
      ],
      send: (values) => post("/api/v1/baselines", { ...values, replace: values.replace.length > 0 }),
    });
    if (made) refreshNow();
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else if (error instanceof Refused || error instanceof NoAnswer) showText(fault, `The form could not be opened: ${error.message}`);
    else throw error;
  }
}

async function askDelete(baseline) {
  const gone = await openForm({
    title: `Delete ${baseline.name} of ${idOf(baseline)}`,
    note: "Alerts that compare with it hold their state until there is another. The checks made against it stay.",
    button: "Delete",
    serious: true,
    fields: [],
    send: () => remove(`/api/v1/baselines/${encodeURIComponent(baseline.baseline_id)}`),
  });
  if (!gone) return;
  byId("baselines-title").focus();
  refreshNow();
}
