// The proxy workers, a row each.

import { arrange, badge, byId, element, stamp } from "../base/dom.js";
import { bytes, count, moment } from "../base/format.js";

export function showWorkers(workers, version) {
  arrange(byId("workers"), workers, {
    key: ({ worker }) => String(worker),
    stamp: (worker) => JSON.stringify([version, worker]),
    make: () => element("tr"),
    fill: (row, worker) => row.replaceChildren(...cellsOf(worker, version)),
  });
}

function cellsOf(worker, version) {
  const told = worker.status;
  const name = element("th", String(worker.worker));
  name.scope = "row";
  name.append(element("span", ` process ${worker.pid}`, "quiet"));
  const since = element("td");
  since.append(stamp(worker.started_at, moment(worker.started_at)));
  const servers = element("td");
  servers.append(...Object.entries(told.upstreams || {}).map(serverOf));
  const restarts = numberOf(worker.restarts);
  if (worker.restarts) restarts.classList.add("warn");
  return [
    name,
    holding(worker.connected ? badge("Serving", "tick", "good") : badge("Not connected", "alarm", "bad")),
    numberOf(worker.requests),
    numberOf(told.in_flight),
    connectionsOf(told),
    restarts,
    since,
    holding(settingsOf(worker.settings_version, version)),
    element("td", told.rss_bytes === undefined ? "–" : bytes(told.rss_bytes), "number"),
    servers,
  ];
}

// Of how many, once that matters.
function connectionsOf({ connections, connections_max: most }) {
  const cell = numberOf(connections);
  if (!most) return cell;
  cell.title = `at most ${count(most)}`;
  if (connections >= most / 2) cell.append(` of ${count(most)}`);
  if (connections >= most) cell.classList.add("warn");
  return cell;
}

function settingsOf(followed, version) {
  if (followed === null) return badge("Not told yet", "ring", "quiet");
  return followed >= version ? badge("Newest", "tick", "good") : badge(`${count(version - followed)} behind`, "half", "warn");
}

function serverOf([name, { up, connections = 0, addresses = [] }]) {
  const made = element("span", undefined, "server");
  made.append(element("span", name), up ? badge("Up", "tick", "good") : badge("Down", "alarm", "bad"));
  made.title = `${connections} connections`;
  if (addresses.length < 2 && !addresses.some(({ reason }) => reason)) return made;
  const list = element("ul", undefined, "addresses");
  list.append(...addresses.map(addressOf));
  const both = element("div");
  both.append(made, list);
  return both;
}

const STATES = {
  up: ["Up", "tick", "good"],
  down: ["Down", "alarm", "bad"],
  ejected: ["Ejected", "alarm", "warn"],
  trial: ["On trial", "half", "warn"],
  new: ["Never up", "ring", "quiet"],
};

function addressOf({ address, state, reason, in_flight: now = 0, ejections = 0, retry_s: left }) {
  const made = element("li");
  made.append(element("code", address), badge(...(STATES[state] || [state, "ring", "quiet"])));
  const told = reason ? [reason, `${count(now)} in flight`] : [`${count(now)} in flight`];
  if (ejections) told.push(`ejected ${ejections === 1 ? "once" : `${count(ejections)} times`}`);
  if (left) told.push(`left alone for ${count(Math.ceil(left))} s yet`);
  made.append(element("span", told.join(", "), "quiet"));
  return made;
}

const numberOf = (value) => element("td", value === undefined || value === null ? "–" : count(value), "number");

function holding(node) {
  const cell = element("td");
  cell.append(node);
  return cell;
}
