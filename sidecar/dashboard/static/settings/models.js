// Models and their versions: what makes them known, where they are served; to register one, and to forget it.

import { LoggedOut, post, Refused, remove, toLogin } from "../base/api.js";
import { arrange, badge, byId, element, setText, showText, stamp } from "../base/dom.js";
import { openForm } from "../base/form_dialog.js";
import { count, moment, plural } from "../base/format.js";
import { refreshNow } from "../base/page.js";

const ADDRESS = "/api/v1/models";
const ORIGINS = { api: "registered", training: "training", config: "configuration", traffic: "traffic" };
const REGISTERED = ["api", "training"]; // what can be forgotten

let names = [];

export function startModels() {
  byId("models-new").addEventListener("click", () => act(register));
}

export async function refreshModels(ask) {
  const [{ items, left_out }, me] = await Promise.all([ask(ADDRESS), ask("/api/v1/whoami")]);
  const mayAll = me.scopes.includes("admin");
  names = [...new Set(items.map(({ model }) => model))];
  byId("models-actions").hidden = !mayAll;
  byId("models-table").hidden = !items.length;
  showText(byId("models-empty"), items.length ? "" : "No model is known yet: one is as soon as the first request to it came, or once it is registered.");
  setText(byId("models-count"), items.length ? countOf(items, left_out) : "");
  arrange(byId("models"), items, {
    key: ({ id }) => id,
    stamp: (item) => JSON.stringify([mayAll, item]),
    make: () => element("tr"),
    fill: (row, item) => row.replaceChildren(...cellsOf(item, mayAll)),
  });
}

function countOf(items, leftOut) {
  const versions = items.filter(({ version }) => version).length;
  const more = leftOut ? `, ${count(leftOut)} more not shown` : "";
  return `${plural(items.length - versions, "model", "models")}, ${plural(versions, "version", "versions")}${more}`;
}

function cellsOf(item, mayAll) {
  const name = element("th", item.version ? "" : item.model || "unnamed");
  name.scope = "row";
  if (item.version) name.append(element("span", item.model, "heard"));
  const registered = element("td", item.created_at === null ? "–" : undefined);
  if (item.created_at !== null) registered.append(stamp(item.created_at, moment(item.created_at)));
  const actions = element("td");
  if (mayAll && REGISTERED.includes(item.origin)) {
    const button = element("button", "Forget");
    button.type = "button";
    button.setAttribute("aria-label", `Forget ${item.id}`);
    button.addEventListener("click", () => act(() => forget(item)));
    actions.append(button);
  }
  return [
    name,
    versionOf(item),
    element("td", ORIGINS[item.origin] || item.origin),
    addressOf(item),
    element("td", item.images === null ? "–" : count(item.images), "number"),
    registered,
    actions,
  ];
}

function versionOf({ version, serving, description, versions }) {
  const cell = element("td");
  if (version) {
    cell.append(element("span", version));
    if (version === serving) cell.append(" ", badge("Serves", "tick", "good"));
  } else if (versions.length) cell.append(element("span", plural(versions.length, "version", "versions"), "quiet"));
  if (description) cell.append(element("p", description, "quiet note"));
  return cell;
}

function addressOf({ upstream, version }) {
  const cell = element("td", upstream === null ? (version ? "not known" : "") : undefined, upstream === null ? "quiet" : "");
  if (upstream !== null) {
    const lines = upstream.urls.flatMap((url) => [element("br"), element("code", `${url}${upstream.path}`)]);
    cell.append(...lines.slice(1), element("span", ` ${upstream.name}`, "quiet"));
  }
  return cell;
}

async function register() {
  const made = await openForm({
    title: "Register a version",
    note: "A version with an address can be named by A/B tests and shadow tests, and trained models can be put beside it. It lasts over restarts.",
    button: "Register it",
    fields: [
      { name: "name", label: "Model", required: true, options: names, picks: true },
      { name: "version", label: "Version", note: "Leave empty to describe the model itself." },
      { name: "url", label: "Served at", note: "Scheme, host and port of the model server, and no path." },
      { name: "path", label: "Path", note: "Only where it is not that of the request, such as /v2/models/det/versions/2/infer.", more: true },
      { name: "description", label: "Description", kind: "lines", more: true },
    ],
    send: ({ name, version, url, path, description }) => post(ADDRESS, { name, version, url, path, description }),
  });
  if (made) refreshNow();
}

async function forget({ id, version, versions }) {
  const more = version || !versions.length ? "" : ` with ${plural(versions.length, "version", "versions")}`;
  const done = await openForm({
    title: `Forget ${id}${more}`,
    note: "What was recorded of it stays. What serves, or is in a test, is not forgotten.",
    button: "Forget it",
    fields: [],
    serious: true,
    send: () => remove(`${ADDRESS}/${encodeURIComponent(id)}`),
  });
  if (done) refreshNow();
}

async function act(work) {
  const fault = byId("models-act-fault");
  showText(fault, "");
  try {
    await work();
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else showText(fault, error instanceof Refused ? error.message : `This could not be asked just now: ${error.message}`);
  }
}
