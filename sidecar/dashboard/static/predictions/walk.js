// The keys of the list: up and down from row to row.

import { byId } from "../base/dom.js";
import { explain, isTaken } from "../base/keys.js";

const DOWN = ["j", "ArrowDown"];
const UP = ["k", "ArrowUp"];

export function startWalk() {
  explain([
    ["J ↓", "next row"],
    ["K ↑", "row before"],
    ["Enter", "open it; Escape leads back here"],
    ["N", "show what arrived"],
  ]);
  document.addEventListener("keydown", pressed);
}

function pressed(event) {
  if (event.defaultPrevented || isTaken(event)) return;
  const step = DOWN.includes(event.key) ? 1 : UP.includes(event.key) ? -1 : 0;
  const arrived = byId("predictions-new");
  if (event.key === "n" && !arrived.hidden) arrived.click();
  else if (!step || !walk(step)) return;
  event.preventDefault();
}

/** Moves the focus to a row beside; beyond the last to what loads more. False where there is none. */
function walk(step) {
  const rows = [...byId("predictions").querySelectorAll("a.row")];
  if (!rows.length) return false;
  const older = byId("predictions-older");
  const all = older.hidden ? rows : [...rows, older];
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? firstSeen(rows) : all[at + step];
  if (!next) return at >= 0; // at an end the page does not scroll away from under the row
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

/** The first row that is on the screen: one begins where one looks. */
function firstSeen(rows) {
  return rows.find((row) => row.getBoundingClientRect().top >= 0) || rows[0];
}
