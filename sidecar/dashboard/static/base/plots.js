// Small drawings of figures: an interval on a line, and the bars of a histogram. What they show stands in words beside.

import { drawing, element } from "./dom.js";

const MARGIN = 0.08;
const STRETCHED = { preserveAspectRatio: "none", "aria-hidden": "true" };

/**
 * An interval from `low` to `high` (null: not bounded on that side) with its `point`, on a line on which `mark` is the
 * value of no difference. `ratio` lays it out by factors. Null where nothing is bounded: a point alone, as far from the
 * mark as the line is long, would look like a large difference.
 */
export function intervalPicture({ low, high, point, mark, ratio, kind }) {
  const of = ratio ? Math.log : (value) => value;
  const placed = (value) => (value === null || !Number.isFinite(of(value)) ? null : of(value));
  const [from, to, at, zero] = [low, high, point, mark].map(placed);
  if (from === null && to === null) return null;
  const known = [from, to, at, zero].filter((value) => value !== null);
  const span = Math.max(...known) - Math.min(...known) || 1;
  const left = Math.min(...known) - MARGIN * span;
  const x = (value) => (100 * (value - left)) / ((1 + 2 * MARGIN) * span);
  const picture = drawing("svg", { viewBox: "0 0 100 20", class: "interval", ...STRETCHED });
  picture.append(line("axis", "M0 10H100"), line("mark", `M${x(zero)} 1V19`));
  const begin = from === null ? 0 : x(from);
  const end = to === null ? 100 : x(to);
  picture.append(line(`range ${kind}`, `M${begin} 10H${end}`));
  if (from !== null) picture.append(line(`range ${kind}`, `M${begin} 5V15`));
  if (to !== null) picture.append(line(`range ${kind}`, `M${end} 5V15`));
  if (at !== null) picture.append(line(`point ${kind}`, `M${x(at)} 10h0.01`));
  return picture;
}

const line = (className, d) => drawing("path", { d, class: className });

/** The bars of a histogram: counts between the edges; those beyond them go into the first and the last bar. */
export function histogramPicture({ edges, counts }, className) {
  const inner = counts.slice(1, -1);
  inner[0] += counts[0];
  inner[inner.length - 1] += counts[counts.length - 1];
  const most = Math.max(...inner, 1);
  const picture = drawing("svg", { viewBox: "0 0 100 40", class: "histogram", ...STRETCHED });
  inner.forEach((n, index) => {
    if (!n) return;
    const [begin, end] = [edges[index], edges[index + 1]].map(
      (edge) => (100 * (edge - edges[0])) / (edges[edges.length - 1] - edges[0]),
    );
    const height = Math.max((40 * n) / most, 1); // what is there is seen
    picture.append(drawing("rect", { x: begin, y: 40 - height, width: (end - begin) * 0.9, height, class: className }));
  });
  return picture;
}

/**
 * A line of a list of differences: {label, tags, values, picture, interval, tests, note}. Tags are [text, kind],
 * `tests` are the p-values in words.
 */
export function differenceRow({ label, tags = [], values, picture, interval, tests, note }) {
  const row = element("li", undefined, "difference");
  const name = element("p", undefined, "name");
  name.append(element("strong", label), ...tags.map(([tag, kind]) => element("span", tag, `tag ${kind}`)));
  const words = element("div", undefined, "words");
  words.append(element("p", interval), element("p", tests, "quiet"));
  if (note) words.append(element("p", note, "quiet"));
  const head = element("div", undefined, "what");
  head.append(name, element("p", values, "quiet"));
  const drawn = element("div", undefined, "drawn");
  if (picture) drawn.append(picture);
  row.append(head, drawn, words);
  return row;
}
