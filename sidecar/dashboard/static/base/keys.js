// Keys that every page has: G and a letter go to a page, ? says which keys there are. A page adds its own by `explain`.

import { byId, element } from "./dom.js";

const FOLLOWS_MS = 1500; // how long after G the letter may come
const pages = new Map(); // letter -> the link of the navigation
let begun = 0;

/** Whether keys are for typing, or for a dialog, at this moment. */
export function isTaken(event) {
  const { target } = event;
  const isField = target instanceof Element && target.closest("input, select, textarea, [contenteditable]");
  return event.ctrlKey || event.metaKey || event.altKey || Boolean(isField) || Boolean(document.querySelector("dialog[open]"));
}

/** Lists keys of this page in the help: [[keys, what they do], ...]. */
export function explain(lines) {
  byId("keys-own").replaceChildren(...lines.flatMap(([keys, text]) => lineOf(keys.split(" "), text)));
  byId("keys-own-title").hidden = lines.length === 0;
}

export function startKeys() {
  for (const link of document.querySelectorAll(".pages a")) {
    const letter = link.dataset.key;
    pages.set(letter, link);
    link.title = `G ${letter}`;
  }
  byId("keys-pages").replaceChildren(
    ...[...pages].flatMap(([letter, link]) => lineOf(["G", letter], link.firstChild.textContent.trim())),
  );
  byId("keys-open").addEventListener("click", () => byId("keys").showModal());
  document.addEventListener("keydown", pressed);
}

function pressed(event) {
  if (event.defaultPrevented || isTaken(event)) return;
  const key = event.key.toUpperCase();
  if (event.key === "?") {
    event.preventDefault();
    byId("keys").showModal();
  } else if (key === "G") begun = Date.now();
  else if (Date.now() - begun < FOLLOWS_MS && pages.has(key)) {
    event.preventDefault();
    pages.get(key).click();
  } else begun = 0;
}

function lineOf(keys, text) {
  const term = element("dt");
  term.append(...keys.map((key) => element("kbd", key)));
  return [term, element("dd", text)];
}
