// Alerts: those that need someone first, the quiet ones folded away, and what changed last.

import { AlertCard, STATES, stateBadge, tagsOf } from "./alert_card.js";
import { get } from "./api.js";
import { arrange, byId, element, place, setText, showText, stamp } from "./dom.js";
import { count, moment, plural } from "./format.js";

const HISTORY = 10;
const ACTIVE = ["firing", "pending", "resolved"];
const cards = new Map(); // alert id -> its card
let alerts = [];
let metrics; // name -> the catalogue's line
let turn = 0; // goes up with each action: what was asked before it is out of date

export async function refreshAlerts() {
  const asked = turn;
  const [found, history] = await Promise.all([
    get("/api/v1/alerts"),
    get(`/api/v1/alerts/transitions?limit=${HISTORY}`),
    loadMetrics(),
  ]);
  showHistory(history.items);
  if (asked !== turn) return;
  alerts = found.items;
  showAlerts();
}

async function loadMetrics() {
  if (metrics) return;
  const catalogue = await get("/api/v1/alerts/metrics");
  metrics = new Map(catalogue.items.map((metric) => [metric.metric, metric]));
}

function changed(alert) {
  turn += 1;
  alerts = alerts.map((other) => (other.alert_id === alert.alert_id ? alert : other));
  showAlerts();
}

/** A rule that is switched off does not count, however it stood. */
const standing = (alert) => (alert.enabled ? alert.state : "inactive");

function showAlerts() {
  const section = byId("alerts-section");
  const inside = section.contains(document.activeElement);
  for (const alert of alerts) cardOf(alert).show(alert, metrics.get(alert.condition.metric));
  const active = ACTIVE.flatMap((state) => alerts.filter((alert) => standing(alert) === state).sort(newestFirst));
  const quiet = alerts.filter((alert) => standing(alert) === "inactive").sort(byModelAndName);
  place(byId("alerts"), active.map((alert) => cardOf(alert).node));
  place(byId("alerts-quiet"), quiet.map((alert) => cardOf(alert).node));
  byId("alerts-quiet-fold").hidden = quiet.length === 0;
  setText(byId("alerts-quiet-count"), plural(quiet.length, "inactive alert", "inactive alerts"));
  setText(byId("alerts-count"), countsText());
  showText(byId("alerts-empty"), emptyText(active.length, quiet.length));
  forgetAllBut(alerts);
  // A card that was folded away or deleted takes its focus with it.
  if (inside && document.activeElement === document.body) byId("alerts-title").focus({ preventScroll: true });
}

function cardOf(alert) {
  if (!cards.has(alert.alert_id)) cards.set(alert.alert_id, new AlertCard(alert, changed));
  return cards.get(alert.alert_id);
}

function forgetAllBut(present) {
  const ids = new Set(present.map((alert) => alert.alert_id));
  for (const id of [...cards.keys()]) if (!ids.has(id)) cards.delete(id);
}

const newestFirst = (one, other) => (other.since || 0) - (one.since || 0);
const byModelAndName = (one, other) =>
  one.model_id.localeCompare(other.model_id) || one.name.localeCompare(other.name);

function countsText() {
  return ACTIVE.map((state) => [state, alerts.filter((alert) => standing(alert) === state).length])
    .filter(([, n]) => n > 0)
    .map(([state, n]) => `${count(n)} ${STATES[state][0].toLowerCase()}`)
    .join(", ");
}

function emptyText(active, quiet) {
  if (active) return "";
  if (quiet) return "All quiet: nothing fires and nothing is pending.";
  return "There are no alerts yet. Each model gets its default rules with its first traffic.";
}

function showHistory(transitions) {
  arrange(byId("alerts-history"), transitions, { key: ({ alert_id: alert, id }) => `${alert} ${id}`, make: transitionRow });
  byId("alerts-history-fold").hidden = transitions.length === 0;
}

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
