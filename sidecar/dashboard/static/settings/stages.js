// What waits, stage by stage, and what waits to be sent elsewhere.

import { arrange, bar, byId, element, showText } from "../base/dom.js";
import { bytes, count, duration, plural } from "../base/format.js";
import { STAGES } from "./words.js";

export function showBacklog(backlog) {
  const stages = backlog.filter(({ stage }) => stage !== "notifications");
  arrange(byId("backlog"), stages, {
    key: ({ stage }) => stage,
    stamp: JSON.stringify,
    make: () => element("li"),
    fill: fillStage,
  });
}

function fillStage(item, entry) {
  const { name, note } = STAGES[entry.stage] || { name: entry.stage, note: "" };
  const head = element("p", undefined, "stage");
  head.append(element("span", name), element("span", amountOf(entry), "amount"));
  const parts = [head];
  const full = fullness(entry);
  if (full !== null) parts.push(bar(full, full > 0.5 ? "filled over" : "filled"));
  if (note) parts.push(element("p", note, "quiet note"));
  item.replaceChildren(...parts);
}

function fullness({ items, bytes: held, items_max, bytes_max }) {
  const shares = [bytes_max ? (held || 0) / bytes_max : null, items_max ? (items || 0) / items_max : null];
  const known = shares.filter((share) => share !== null);
  return known.length ? Math.max(...known) : null;
}

function amountOf({ stage, items, bytes: held, bytes_max }) {
  const [one, many] = STAGES[stage]?.things || ["item", "items"];
  const most = bytes_max ? ` of ${bytes(bytes_max)}` : "";
  const size = held ? `${bytes(held)}${most}` : "";
  if (!items && !held) return "nothing";
  if (items === null) return size;
  return [plural(items, one, many), size].filter(Boolean).join(", ");
}

/** `notices` is the backlog of notifications, if that is known. */
export function showOutbox(outbox, notices) {
  const waiting = notices?.items || 0;
  const all = [...outbox.map((one) => ({ ...one, name: one.destination })), { name: "Notices of alerts", notices: waiting }];
  const list = byId("outbox");
  list.hidden = false;
  arrange(list, all, {
    key: ({ name, notices: of }) => JSON.stringify([name, of === undefined]),
    stamp: JSON.stringify,
    make: () => element("li"),
    fill: fillDestination,
  });
  showText(byId("outbox-empty"), outbox.length ? "" : "No backend is configured, so no summary leaves this machine.");
}

function fillDestination(item, one) {
  const head = element("p", undefined, "stage");
  head.append(element("span", one.name));
  if (one.notices !== undefined) {
    head.append(element("span", one.notices ? `${count(one.notices)} waiting` : "none waiting", "amount"));
    item.replaceChildren(head);
    return;
  }
  head.append(element("span", one.items ? `${plural(one.items, "summary", "summaries")} waiting, ${bytes(one.bytes)}` : "nothing waiting", "amount"));
  const told = [`${count(one.sent)} sent`];
  if (one.items) told.push(`the oldest waits for ${duration(one.oldest_age_s)}`);
  if (one.failed) told.push(`${plural(one.failed, "attempt", "attempts")} failed`);
  if (one.dropped) told.push(`${count(one.dropped)} given up for want of room`);
  item.replaceChildren(head, element("p", told.join(", "), one.dropped ? "note bad" : "quiet note"));
}
