// How the lines of the overview look: by version, as on every page.

import { numberOf as numberOfVersion, SERIES_MAX } from "../base/series.js";
import { idOf } from "./words.js";

export { colourOf, dashOf, sample } from "../base/series.js";
export const LINES_MAX = SERIES_MAX;

/** The number of a version's line, from 0. */
export const numberOf = (item) => numberOfVersion(idOf(item), item.role === "shadow");

/** The colours of a chart, of the theme that is shown. */
export function coloursOf(node) {
  const style = getComputedStyle(node);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const series = Array.from({ length: LINES_MAX }, (_, index) => of(`series-${index + 1}`));
  return { series, text: of("text"), quiet: of("quiet"), line: of("line"), card: of("card"), track: of("track"), bad: of("bad") };
}
