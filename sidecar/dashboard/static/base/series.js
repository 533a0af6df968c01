// How a version looks in charts: a colour and dashes, the same on every page and in every chart, for as long as this
// browser remembers; legends name them. A shadow has the colour of its version, and fine dots.

import { drawing } from "./dom.js";

export const SERIES_MAX = 8; // colours there are
const SHADOW = [2, 3];
const DASHES = [[], [7, 3], [10, 3, 2, 3], [14, 4]];
const KEY = "sidecar.series";
const REMEMBERED_MAX = 64; // versions; then it begins anew
let given = remembered(); // version -> its number

/** The number of a version's line, from 0; `id` is `name@version`. */
export function numberOf(id, isShadow = false) {
  if (!given.has(id)) give(id);
  return given.get(id) + (isShadow ? SERIES_MAX : 0);
}

export const colourOf = (number) => number % SERIES_MAX;
export const dashOf = (number) => (number < SERIES_MAX ? DASHES[number % DASHES.length] : SHADOW);

/** A piece of a line, or of an area, as a legend shows it; null: an area of all others. */
export function sample(number, isArea) {
  const picture = drawing("svg", { viewBox: "0 0 26 10", class: "sample", "aria-hidden": "true" });
  const className = number === null ? "area-rest" : `${isArea ? "area" : "line"}-${colourOf(number) + 1}`;
  if (isArea) picture.append(drawing("rect", { x: 6, width: 14, height: 10, rx: 2, class: className }));
  else picture.append(drawing("path", { d: "M1 5H25", class: className, "stroke-dasharray": dashOf(number).join(" ") }));
  return picture;
}

function give(id) {
  given = new Map([...remembered(), ...given]); // another tab may have met it first
  if (given.has(id)) return;
  if (given.size >= REMEMBERED_MAX) given.clear();
  const uses = Array.from({ length: SERIES_MAX }, () => 0);
  for (const number of given.values()) uses[number] += 1;
  given.set(id, uses.indexOf(Math.min(...uses)));
  try {
    localStorage.setItem(KEY, JSON.stringify([...given]));
  } catch {
    // A browser that keeps nothing gives colours anew on each page.
  }
}

function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) || "[]");
    const isOne = ([id, number]) => typeof id === "string" && Number.isInteger(number) && number >= 0 && number < SERIES_MAX;
    return new Map(kept.filter(isOne).slice(0, REMEMBERED_MAX));
  } catch {
    return new Map();
  }
}
