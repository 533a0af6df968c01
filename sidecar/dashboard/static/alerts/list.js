// Alerts: those that need someone first, the quiet ones folded away.

import { get, LoggedOut, NoAnswer, Refused, toLogin } from "../base/api.js";
import { byId, place, setText, showText } from "../base/dom.js";
import { count, plural } from "../base/format.js";
import { refreshNow } from "../base/page.js";
import { AlertCard, STATES } from "./card.js";
import { openAlertForm } from "./form.js";
import { offerHistory, showHistoryOf } from "./history.js";

const ACTIVE = ["firing", "pending", "resolved"];
const cards = new Map(); // alert id -> its card
let alerts = [];
let metrics; // name -> the catalogue's line
let wanted = new URLSearchParams(location.search).get("alert");
let turn = 0; // goes up with each action: what was asked before it is out of date

export function startAlerts() {
  byId("alerts-new").addEventListener("click", () => edit(null));
}

/** A new alert, or a change of one. */
async function edit(alert) {
  const fault = byId("alerts-fault");
  try {
    await loadMetrics();
    const made = await openAlertForm(metrics, alerts, alert);
    if (!made) return;
    turn += 1;
    alerts = [made, ...alerts.filter((other) => other.alert_id !== made.alert_id)];
    showAlerts();
    showCard(made);
    refreshNow();
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else if (error instanceof Refused || error instanceof NoAnswer) showText(fault, `The form could not be opened: ${error.message}`);
    else throw error;
  }
}

/** Leads to an alert, unfolding where it is. */
function showCard(alert) {
  const { node } = cardOf(alert);
  if (byId("alerts-quiet").contains(node)) byId("alerts-quiet-fold").open = true;
  node.focus();
}

function gone(alert) {
  turn += 1;
  alerts = alerts.filter((other) => other.alert_id !== alert.alert_id);
  showAlerts();
  byId("alerts-title").focus({ preventScroll: true });
}

export async function refreshAlerts() {
  const asked = turn;
  const [found] = await Promise.all([get("/api/v1/alerts"), loadMetrics()]);
  if (asked !== turn) return;
  alerts = found.items;
  showAlerts();
  showAsked();
}

/** What the address leads to, as links in notices do: once. */
function showAsked() {
  const found = alerts.find((alert) => alert.alert_id === wanted);
  wanted = null;
  if (found) showCard(found);
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
  const fold = byId("alerts-quiet-fold");
  if (fold.hidden && active.length === 0) fold.open = true; // seen for the first time, with nothing else to look at
  fold.hidden = quiet.length === 0;
  setText(byId("alerts-quiet-count"), plural(quiet.length, "inactive alert", "inactive alerts"));
  setText(byId("alerts-count"), countsText());
  showText(byId("alerts-empty"), emptyText(active.length, quiet.length));
  forgetAllBut(alerts);
  offerHistory([...alerts].sort(byModelAndName));
  // A card that was folded away or deleted takes its focus with it.
  if (inside && document.activeElement === document.body) byId("alerts-title").focus({ preventScroll: true });
}

function cardOf(alert) {
  if (!cards.has(alert.alert_id)) cards.set(alert.alert_id, new AlertCard(alert, { changed, edit, gone, history: showHistoryOf }));
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
