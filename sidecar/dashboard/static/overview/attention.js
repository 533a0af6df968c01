// What needs a look: faults, alerts that fire, tests under way; each leads to its page.

import { arrange, badge, byId, element } from "../base/dom.js";
import { share } from "../base/format.js";

const ALERTS = 5;
const alertPage = (id) => `/alerts?${new URLSearchParams({ alert: id })}`;
const KINDS = { ab_test: ["A/B test", "ab-tests"], shadow_test: ["Shadow test", "shadow-tests"] };

export async function showAttention(ask) {
  const [status, live] = await Promise.all([ask("/api/v1/status"), ask("/api/v1/live/snapshot")]);
  const firing = status.alerts.firing ? (await ask("/api/v1/alerts?state=firing")).items : [];
  const alerts = firing.slice(0, ALERTS).map((alert) => ({ text: `${alert.name} (${alert.model_id || "the sidecar"})`, href: alertPage(alert.alert_id) }));
  if (firing.length > ALERTS) alerts.push({ text: `${firing.length - ALERTS} more`, href: "/alerts" });
  const tests = (wanted) => live.tests.filter(({ status }) => status === wanted).map(testOf);
  const kinds = [
    { kind: "fault", links: status.faults.map((text) => ({ text, href: "/settings" })) },
    { kind: "firing", links: alerts },
    { kind: "running", links: tests("running") },
    { kind: "paused", links: tests("paused") },
  ].filter(({ links }) => links.length);
  const list = byId("attention");
  list.hidden = kinds.length === 0;
  arrange(list, kinds, { key: ({ kind }) => kind, make: makeKind, fill: fillKind, stamp: ({ links }) => JSON.stringify(links) });
}

function testOf({ id, kind, model, shares }) {
  const [name, part] = KINDS[kind];
  const split = Object.entries(shares).map(([variant, of]) => `${variant} ${share(of)}`).join(", ");
  return {
    text: `${name} ${id}${model && model !== "*" ? ` on ${model}` : ""}${split ? `: ${split}` : ""}`,
    href: `/experiments/${part}/${encodeURIComponent(id)}`,
  };
}

const BADGES = {
  fault: ["Fault", "alarm", "bad"],
  firing: ["Firing", "alarm", "bad"],
  running: ["Running", "half", "good"],
  paused: ["Paused", "ring", "warn"],
};

function makeKind({ kind }) {
  const item = element("li");
  item.append(badge(...BADGES[kind]), element("ul"));
  return item;
}

function fillKind(item, { links }) {
  arrange(item.lastChild, links, {
    key: ({ text }) => text,
    make: ({ text, href }) => {
      const line = element("li");
      const link = element("a", text);
      link.href = href;
      line.append(link);
      return line;
    },
  });
}
