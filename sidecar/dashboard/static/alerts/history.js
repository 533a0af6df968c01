// What changed: of all alerts or of one, the latest first, more of it when asked for.

import { get } from "../base/api.js";
import { arrange, byId, element, setText, stamp } from "../base/dom.js";
import { moment } from "../base/format.js";
import { refreshNow } from "../base/page.js";
import { stateBadge, tagsOf } from "./card.js";

const FIRST = 10;
const MORE = 40;
const MOST = 490;
let limit = FIRST;

export function startHistory() {
  byId("alerts-history-of").addEventListener("change", () => {
    limit = FIRST;
    refreshNow();
  });
  byId("alerts-history-more").addEventListener("click", () => {
    limit = Math.min(limit + MORE, MOST);
    refreshNow();
  });
}

/** Shows the changes of one alert alone, and goes there. */
export function showHistoryOf(alert) {
  const select = byId("alerts-history-of");
  if (![...select.options].some(({ value }) => value === alert.alert_id)) select.append(new Option(alert.name, alert.alert_id));
  select.value = alert.alert_id;
  limit = FIRST;
  byId("alerts-history-fold").open = true;
  byId("alerts-history-title").focus();
  refreshNow();
}

export async function refreshHistory() {
  const of = byId("alerts-history-of").value;
  const query = new URLSearchParams({ limit, ...(of ? { alert_id: of } : {}) });
  const { items, next } = await get(`/api/v1/alerts/transitions?${query}`);
  if (byId("alerts-history-of").value !== of) return;
  arrange(byId("alerts-history"), items, { key: ({ alert_id: alert, id }) => `${alert} ${id}`, make: transitionRow });
  byId("alerts-history").hidden = items.length === 0;
  byId("alerts-history-fold").hidden = items.length === 0 && of === "";
  const empty = byId("alerts-history-empty");
  setText(empty, "This alert has not changed its state yet.");
  empty.hidden = items.length > 0;
  byId("alerts-history-more").hidden = next === null || limit >= MOST;
}

/** The alerts that can be chosen, without touching the choice. */
export function offerHistory(alerts) {
  const select = byId("alerts-history-of");
  const choices = [["", "all alerts"], ...alerts.map((alert) => [alert.alert_id, choiceText(alert)])];
  const mark = JSON.stringify(choices);
  if (select.dataset.mark === mark) return;
  select.dataset.mark = mark;
  const chosen = select.value;
  select.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
  if (choices.some(([value]) => value === chosen)) select.value = chosen;
}

const choiceText = ({ name, model_id: model, slice }) => [name, model || "the sidecar", slice].filter((part) => part).join(", ");

/** A line for each change; what was said of it unfolds. */
function transitionRow(transition) {
  const row = element("li");
  const fold = element("details");
  const line = element("summary");
  line.append(
    stamp(transition.at, moment(transition.at)),
    stateBadge(transition.to_state),
    element("strong", transition.name),
    ...tagsOf(transition),
  );
  fold.append(line, element("p", transition.sentence, "quiet"));
  row.append(fold);
  return row;
}
