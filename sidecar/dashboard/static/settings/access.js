// Who is at the page and what they may; the tokens that were made, for those who may make some.

import { get, LoggedOut, post, Refused, remove, toLogin } from "../base/api.js";
import { badge, byId, element, setText, showText, stamp } from "../base/dom.js";
import { moment } from "../base/format.js";
import { openForm } from "../base/form_dialog.js";
import { copied } from "./copying.js";

const ADDRESS = "/api/v1/tokens";
const DAY_S = 86400;
const SCOPES = [
  { value: "read", text: "read: see everything" },
  { value: "feedback", text: "feedback: say whether predictions were right, and nothing else" },
  { value: "review", text: "review: see everything and label images" },
  { value: "admin", text: "admin: all of it" },
];
const STATUSES = { live: ["Live", "tick", "good"], expired: ["Expired", "ring", "quiet"], revoked: ["Revoked", "ring", "quiet"] };
const MEANS = { loopback: "this machine", token: "a token", session: "a login", certificate: "a certificate" };

let turn = 0; // goes up with each action: what was asked before it is out of date

export function startAccess() {
  byId("access-new").addEventListener("click", () => act(make));
  byId("access-copy").addEventListener("click", copySecret);
  byId("access-hide").addEventListener("click", hideSecret);
}

export async function refreshAccess(ask = get) {
  const asked = turn;
  const me = await ask("/api/v1/whoami");
  const mayAll = me.scopes.includes("admin");
  setText(byId("access-who"), `You are here by ${MEANS[me.by] || me.by}${me.by === "loopback" ? "" : ` (${me.name})`}: ${me.scopes.join(", ")}`);
  byId("access-logout").hidden = me.by !== "session";
  byId("access-actions").hidden = !mayAll;
  if (!mayAll) {
    byId("access-table").hidden = true;
    return showText(byId("access-empty"), "Only an admin sees and makes tokens.");
  }
  const { items } = await ask(ADDRESS);
  if (asked === turn) showTokens(items);
}

function showTokens(tokens) {
  byId("access-table").hidden = !tokens.length;
  showText(byId("access-empty"), tokens.length ? "" : "No token was made yet.");
  const body = byId("access-tokens");
  const mark = JSON.stringify(tokens);
  if (body.dataset.mark === mark) return;
  body.dataset.mark = mark;
  body.replaceChildren(...tokens.map(rowOf));
}

function rowOf(token) {
  const row = element("tr");
  const name = element("th", token.name);
  name.scope = "row";
  const status = element("td");
  status.append(badge(...(STATUSES[token.status] || [token.status, "ring", "quiet"])));
  const made = element("td");
  made.append(stamp(token.created_at, moment(token.created_at)));
  const ends = element("td", token.expires_at === null ? "never" : undefined);
  if (token.expires_at !== null) ends.append(stamp(token.expires_at, moment(token.expires_at)));
  const actions = element("td");
  if (token.status === "live") {
    const button = element("button", "Revoke");
    button.type = "button";
    button.setAttribute("aria-label", `Revoke ${token.name}`);
    button.addEventListener("click", () => act(() => revoke(token)));
    actions.append(button);
  }
  row.append(name, element("td", token.scopes.join(", ")), status, made, ends, actions);
  return row;
}

async function make() {
  const made = await openForm({
    title: "New token",
    note: "Its secret is shown once, after this.",
    button: "Make it",
    fields: [
      { name: "name", label: "What it is for", required: true },
      { name: "scopes", path: ["scopes", "scopes.0"], label: "What it may do", kind: "choice", options: SCOPES, value: "read" },
      { name: "days", path: "expires_at", label: "Days until it expires", note: "Leave empty: it does not.", value: "90" },
    ],
    send: ({ name, scopes, days }) =>
      post(ADDRESS, { name, scopes: [scopes], expires_at: days ? Math.round(Date.now() / 1000 + Number(days) * DAY_S) : null }),
  });
  if (made) showSecret(made);
}

function revoke(token) {
  return openForm({
    title: `Revoke ${token.name}`,
    note: "Whoever bears it is refused from then on, and who logged in with it is logged out. It can't be taken back.",
    button: "Revoke it",
    fields: [],
    serious: true,
    send: () => remove(`${ADDRESS}/${encodeURIComponent(token.id)}`),
  });
}

/** Where it is seen, with the focus and selected: it is not shown again, and whoever missed it has to make another. */
function showSecret({ name, token }) {
  const box = byId("access-secret");
  setText(byId("access-secret-name"), name);
  setText(byId("access-secret-text"), token);
  setText(byId("access-copied"), "");
  box.hidden = false;
  box.focus({ preventScroll: true });
  box.scrollIntoView({ block: "center" });
  getSelection().selectAllChildren(byId("access-secret-text"));
}

function hideSecret() {
  byId("access-secret").hidden = true;
  setText(byId("access-secret-text"), "");
  byId("access-new").focus();
}

async function copySecret() {
  const done = await copied(byId("access-secret-text").textContent, byId("access-copy"));
  setText(byId("access-copied"), done ? "Copied." : "This browser does not let pages copy here: select it and copy it by hand.");
}

async function act(work) {
  const fault = byId("access-act-fault");
  showText(fault, "");
  try {
    await work();
    turn += 1;
    await refreshAccess();
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else showText(fault, error instanceof Refused ? error.message : `This could not be asked just now: ${error.message}`);
  }
}
