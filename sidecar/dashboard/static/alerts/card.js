// One alert: how it stands, in words, and what can be done about it.

import { LoggedOut, post, toLogin } from "../base/api.js";
import { badge, element, showLines, showText } from "../base/dom.js";
import { openForm } from "../base/form_dialog.js";
import { count, duration, moment } from "../base/format.js";
import { askName, keepName, knownName } from "../base/name.js";
import { AlertDetails } from "./details.js";
import { valueText } from "./words.js";

const LENGTHS = ["30m", "1h", "4h", "12h", "1d", "7d"];

export const STATES = {
  firing: ["Firing", "alarm", "bad"],
  pending: ["Pending", "half", "warn"],
  resolved: ["Resolved", "tick", "good"],
  inactive: ["Inactive", "ring", "quiet"],
};

export const stateBadge = (state) => badge(...STATES[state]);

/** Whose an alert is, as tags: its model, and its slice where it has one. */
export function tagsOf({ model_id: model, slice }) {
  const tags = [element("span", model || "the sidecar", "tag")];
  if (slice) tags.push(element("span", slice, "tag"));
  return tags;
}

/**
 * The card of an alert. `does` has `changed(alert)`, called with the alert as it is after an action, `edit(alert)`,
 * `gone(alert)` and `history(alert)`.
 */
export class AlertCard {
  constructor(alert, does) {
    this.id = alert.alert_id;
    this.changed = does.changed;
    this.busy = false;
    this.node = element("article", undefined, "alert");
    this.node.tabIndex = -1;
    this.title = element("h3");
    this.title.id = `alert-${this.id}`;
    this.node.setAttribute("aria-labelledby", this.title.id);
    this.sentence = element("p");
    this.facts = element("ul", undefined, "facts");
    this.delivery = element("ul", undefined, "warnings");
    this.fault = element("p", "", "refused");
    this.fault.setAttribute("role", "alert");
    this.fault.hidden = true;
    this.acknowledge = this.button("Acknowledge", () => this.takeNote());
    this.silence = this.button("Silence 1 h", () => this.silenceFor({ for: "1h" }));
    this.silenceOther = this.button("Silence for…", () => this.askSilence());
    this.unsilence = this.button("End silence", () => this.silenceFor({ until: null }));
    this.actions = element("div", undefined, "actions");
    this.actions.append(this.acknowledge, this.silence, this.silenceOther, this.unsilence, this.fault);
    this.details = new AlertDetails(this.id, does);
    this.node.append(this.title, this.sentence, this.facts, this.delivery, this.actions, this.details.node);
  }

  button(text, act) {
    const made = element("button", text);
    made.type = "button";
    made.addEventListener("click", () => this.act(made, act));
    return made;
  }

  /** `metric` is the catalogue's line of what the alert watches, where that is known. */
  show(alert, metric) {
    this.alert = alert;
    this.node.className = `alert ${alert.state}`;
    const heading = JSON.stringify([alert.state, alert.name, alert.model_id, alert.slice, alert.enabled]);
    if (this.heading !== heading) this.showHeading(alert);
    this.heading = heading;
    showText(this.sentence, alert.sentence);
    showLines(this.facts, factsOf(alert, metric));
    showLines(this.delivery, unconfigured(alert));
    this.showActions(alert);
    this.details.show(alert, metric);
  }

  showHeading(alert) {
    this.title.replaceChildren(stateBadge(alert.state), element("span", alert.name), ...tagsOf(alert));
    if (!alert.enabled) this.title.append(element("span", "switched off", "tag"));
    for (const button of [this.acknowledge, this.silence, this.silenceOther, this.unsilence]) {
      button.setAttribute("aria-label", `${button.textContent.replace("…", " a time")}: ${alert.name}`);
    }
  }

  showActions(alert) {
    const firing = alert.state === "firing";
    const focused = document.activeElement;
    this.acknowledge.hidden = !firing || alert.acknowledged_by !== null;
    this.silence.hidden = !alert.enabled || alert.state === "inactive" || alert.silenced_until !== null;
    this.silenceOther.hidden = this.silence.hidden;
    this.unsilence.hidden = alert.silenced_until === null;
    const offered = [this.silence, this.unsilence, this.acknowledge].find((button) => !button.hidden);
    this.actions.hidden = !offered && this.fault.hidden;
    // Whoever works by keyboard stays at the alert when the button in use goes.
    if (this.actions.contains(focused) && focused.hidden) (offered || this.node).focus();
  }

  async act(button, request) {
    if (this.busy) return;
    this.busy = true;
    button.setAttribute("aria-busy", "true");
    showText(this.fault, "");
    try {
      const alert = await request();
      if (alert) this.changed(alert);
    } catch (error) {
      if (error instanceof LoggedOut) toLogin();
      else this.showFault(`${button.textContent} failed: ${error.message.replace(/^alert_id: /, "")}`);
    } finally {
      this.busy = false;
      button.removeAttribute("aria-busy");
    }
  }

  showFault(text) {
    showText(this.fault, text);
    this.actions.hidden = false;
  }

  async takeNote() {
    const by = await askName();
    if (!by) return null;
    const alert = await post(`${this.address()}/acknowledge`, { by });
    keepName(by);
    return alert;
  }

  /** Asks for how long; a length of one's own can be typed. */
  askSilence() {
    return openForm({
      title: `Silence ${this.alert.name}`,
      note: "Its states change and are kept, but nobody is told. What still fires when the silence ends is told then.",
      button: "Silence",
      fields: [{ name: "for", label: "For how long", value: "1h", options: LENGTHS, picks: true, required: true, path: ["for", "for_s"] }],
      send: (values) => this.silenceFor({ for: values.for }),
    });
  }

  silenceFor(length) {
    return post(`${this.address()}/silence`, { ...length, by: knownName() });
  }

  address() {
    return `/api/v1/alerts/${encodeURIComponent(this.id)}`;
  }
}

function factsOf(alert, metric) {
  const facts = [];
  if (alert.state !== "inactive" && alert.since !== null) {
    const lasting = duration(Date.now() / 1000 - alert.since);
    facts.push({ text: `since ${moment(alert.since)} (${lasting})`, at: alert.since });
  }
  // Of a metric that is yes or no the sentence says all.
  if (alert.value !== null && !(metric && metric.unit === "yes or no")) facts.push({ text: restsOn(alert, metric) });
  if (alert.acknowledged_by !== null) {
    const when = alert.acknowledged_at === null ? "" : `, ${moment(alert.acknowledged_at)}`;
    facts.push({ text: `acknowledged by ${alert.acknowledged_by}${when}`, kind: "good" });
  }
  if (alert.silenced_until !== null) {
    facts.push({ text: `silenced until ${moment(alert.silenced_until)}`, at: alert.silenced_until, kind: "warn" });
  }
  if (alert.flapping) facts.push({ text: "flapping: its notices are held back", kind: "warn" });
  return facts;
}

function restsOn(alert, metric) {
  const value = `value ${valueText(alert.value, metric)}`;
  return metric && metric.samples && alert.samples ? `${value}, from ${count(alert.samples)} ${metric.samples}` : value;
}

function unconfigured(alert) {
  return alert.delivery
    .filter((channel) => !channel.configured)
    .map(({ channel, warning }) => ({ text: `${channel} is not configured: ${warning}` }));
}
