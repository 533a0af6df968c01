// What an alert is, unfolded: its condition, its channels and what was sent to them, and what can be changed about it.

import { get, LoggedOut, NoAnswer, patch, postNothing, Refused, remove, toLogin } from "../base/api.js";
import { arrange, badge, element, showLines, showText, stamp } from "../base/dom.js";
import { openForm } from "../base/form_dialog.js";
import { moment, plural } from "../base/format.js";
import { Preview } from "./preview.js";
import { conditionText } from "./words.js";

const SHOWN = 6;
const KINDS = { firing: "firing", resolved: "resolved", flapping: "flapping", settled: "settled" };

/** The fold of a card; it asks for notifications and the past only while it is open. `does` as for the card. */
export class AlertDetails {
  constructor(id, does) {
    this.id = id;
    this.does = does;
    this.node = element("details", undefined, "about");
    this.summary = element("summary", "Details");
    this.condition = element("p", "", "condition");
    this.channels = element("ul", undefined, "facts channels");
    this.past = element("div");
    this.sentTitle = element("h4", "Notifications");
    this.sent = element("ol", undefined, "sent");
    this.sentNote = element("p", "", "quiet");
    this.said = element("p", "", "quiet");
    this.said.setAttribute("role", "status");
    this.edit = this.button("Change", async () => this.does.edit(this.alert));
    this.toggle = this.button("Switch off", () => this.switchOver());
    this.test = this.button("Test channels", () => this.tryChannels());
    this.history = this.button("Its history", async () => this.does.history(this.alert));
    this.remove = this.button("Delete", () => this.askDelete());
    this.actions = element("div", undefined, "actions");
    this.actions.append(this.edit, this.toggle, this.test, this.history, this.remove);
    this.node.append(this.summary, this.condition, this.channels, this.actions, this.said, this.past, this.sentTitle, this.sent, this.sentNote);
    this.node.addEventListener("toggle", () => this.opened());
  }

  button(text, act) {
    const made = element("button", text);
    made.type = "button";
    made.addEventListener("click", () => this.act(made, act));
    return made;
  }

  async act(button, work) {
    if (this.busy) return;
    this.busy = true;
    button.setAttribute("aria-busy", "true");
    this.say("");
    try {
      await work();
    } catch (error) {
      if (error instanceof LoggedOut) toLogin();
      else if (error instanceof Refused || error instanceof NoAnswer) this.say(`${button.textContent.replace("…", "")} failed: ${error.message}`, true);
      else throw error;
    } finally {
      this.busy = false;
      button.removeAttribute("aria-busy");
    }
  }

  say(text, isBad = false) {
    this.said.className = isBad ? "refused" : "quiet";
    showText(this.said, text);
  }

  show(alert, metric) {
    const isNew = !this.alert || JSON.stringify(this.alert.condition) !== JSON.stringify(alert.condition);
    this.alert = alert;
    this.metric = metric;
    showText(this.condition, conditionText(alert.condition, metric));
    showLines(this.channels, channelLines(alert));
    this.toggle.textContent = alert.enabled ? "Switch off" : "Switch on";
    this.test.hidden = alert.notify.length === 0;
    for (const button of this.actions.children) button.setAttribute("aria-label", `${button.textContent.replace("…", "")}: ${alert.name}`);
    this.summary.setAttribute("aria-label", `Details: ${alert.name}`);
    if (this.node.open) this.load(isNew);
  }

  opened() {
    if (this.node.open) this.load(true);
    else this.endPast();
  }

  async load(withPast) {
    if (withPast) this.showPast();
    try {
      const { items } = await get(`/api/v1/alerts/${encodeURIComponent(this.id)}/notifications`);
      this.showSent(items);
    } catch (error) {
      if (error instanceof LoggedOut) toLogin();
      else if (error instanceof Refused || error instanceof NoAnswer) showText(this.sentNote, `Notifications could not be read: ${error.message}`);
      else throw error;
    }
  }

  /** The metric of the past week, where there is one to look at. */
  showPast() {
    this.endPast();
    if (!this.metric || this.metric.source !== "summaries") return;
    this.preview = new Preview();
    this.past.append(this.preview.node);
    this.preview.ask({ model_id: this.alert.model_id, condition: this.alert.condition, slice: this.alert.slice }, this.metric);
  }

  endPast() {
    if (this.preview) this.preview.end();
    this.preview = null;
    this.past.replaceChildren();
  }

  showSent(items) {
    arrange(this.sent, items.slice(0, SHOWN), {
      key: ({ id }) => String(id),
      stamp: JSON.stringify,
      make: () => element("li"),
      fill: fillSent,
    });
    const rest = items.length - SHOWN;
    const nothing = this.alert.notify.length ? "Nothing was sent yet." : "It has no channels: it only shows here.";
    showText(this.sentNote, items.length === 0 ? nothing : rest > 0 ? `and ${plural(rest, "earlier one", "earlier ones")}` : "");
  }

  async switchOver() {
    this.does.changed(await patch(this.address(), { enabled: !this.alert.enabled }, this.alert.etag));
  }

  async tryChannels() {
    const { results } = await postNothing(`${this.address()}/test`);
    const failed = results.filter(({ ok }) => !ok);
    const all = `${plural(results.length, "channel", "channels")}: a test notice was sent.`;
    this.say(failed.length ? failed.map(({ channel, error }) => `${channel}: ${error || "failed"}`).join("; ") : all, failed.length > 0);
  }

  async askDelete() {
    const gone = await openForm({
      title: `Delete ${this.alert.name}`,
      note: "It is not evaluated any more; its history stays. Rules that a model gets by itself don't come back either.",
      button: "Delete",
      serious: true,
      fields: [],
      send: () => remove(this.address()),
    });
    if (gone) this.does.gone(this.alert);
  }

  address() {
    return `/api/v1/alerts/${encodeURIComponent(this.id)}`;
  }
}

function channelLines({ delivery }) {
  return delivery.map(({ channel, configured }) => ({ text: configured ? `tells ${channel}` : `tells ${channel} (not configured)` }));
}

function fillSent(line, { channel, kind, queued_at: queued, sent_at: sent, gave_up_at: gaveUp, attempts, error }) {
  const state = sent !== null ? ["Sent", "tick", "good"] : gaveUp !== null ? ["Given up", "alarm", "bad"] : ["Waiting", "half", "warn"];
  const tried = sent === null && attempts ? `, ${plural(attempts, "attempt", "attempts")}` : "";
  line.replaceChildren(
    stamp(queued, moment(queued)),
    badge(...state),
    element("span", `${KINDS[kind] || kind} to ${channel}${tried}`),
    ...(error && sent === null ? [element("span", error, "quiet")] : []),
  );
}
