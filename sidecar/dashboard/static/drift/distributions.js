// What was compared, drawn over each other: the reference filled and quiet, the current period as a line on top.

import { bar, drawing, element } from "../base/dom.js";
import { count, number, plural, pValue, share } from "../base/format.js";
import { scoreName } from "./scores.js";

const WIDTH = 380;
const HEIGHT = 190;
const LEFT = 42;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 40;
const TICKS = 7;
const CLASSES = 12;
const WHOLE_COUNT = 20; // bins of detections per image are single numbers up to it

const shape = (edge) => (edge >= 1 ? `${number(edge)}:1` : `1:${number(1 / edge)}`);
const LINEAR = { scale: (edge) => edge, steps: [0.05, 0.1, 0.125, 0.2, 0.25, 0.5] };
const BY_FACTORS = { scale: Math.log2, steps: [0.5, 1, 2, 4] };
const PARTS = {
  confidence: { title: "Confidence", score: "confidence", of: "detections", unit: "score of a detection", tick: number, ...LINEAR },
  count: { title: "Detections per image", score: "count", of: "images", unit: "detections in an image", tick: number },
  area: { title: "Box area", score: "box", of: "detections", unit: "share of the image", tick: areaText, ...BY_FACTORS },
  aspect: { title: "Box shape", score: "box", of: "detections", unit: "width to height", tick: shape, ...BY_FACTORS },
  width: { title: "Image width", score: "input", of: "probed images", unit: "pixels", tick: pixels, ...BY_FACTORS },
  height: { title: "Image height", score: "input", of: "probed images", unit: "pixels", tick: pixels, ...BY_FACTORS },
  brightness: { title: "Brightness", score: "input", of: "probed images", unit: "mean luma, 0 black to 1 white", tick: number, ...LINEAR },
};

function areaText(edge) {
  const percent = 100 * edge;
  return percent >= 1 ? `${number(Math.round(percent))} %` : `${percent.toPrecision(1)} %`;
}

function pixels(edge) {
  return String(Math.round(edge));
}

/** A figure for each distribution of a report that has any. */
export function distributionFigures({ distributions, scores }) {
  const figures = [];
  if (distributions.class && distributions.class.names.length) figures.push(classFigure(distributions.class, scores.class));
  for (const [name, part] of Object.entries(PARTS)) {
    const found = distributions[name];
    if (found && (found.reference || found.current)) figures.push(histogramFigure(name, part, found, scores[part.score]));
  }
  return figures;
}

export function legend() {
  const made = element("p", undefined, "key quiet");
  made.append(swatch("reference"), " reference ", swatch("current"), " current");
  return made;
}

function swatch(kind) {
  const made = element("span", undefined, `swatch ${kind}`);
  made.setAttribute("aria-hidden", "true");
  return made;
}

function histogramFigure(name, part, found, score) {
  const made = element("figure", undefined, "distribution");
  const caption = captionOf(part.title, part.score, score);
  const bins = binsOf(name, part, found);
  made.append(caption);
  if (bins.length === 0) made.append(element("p", "Nothing to draw.", "quiet"));
  else made.append(picture(part, bins));
  made.append(sidesText(score, part.of));
  return made;
}

function captionOf(title, scoreKey, score) {
  const made = element("figcaption");
  made.append(element("strong", title));
  if (score) made.append(element("span", scoreText(scoreKey, score), score.significant ? "bad" : "quiet"));
  return made;
}

/** The score a distribution is part of, with its distance and p-value. */
function scoreText(key, { distance, corrected, p_adjusted: p, significant }) {
  if (distance === null) return "no data";
  const name = key === "box" || key === "input" ? `${scoreName(key).toLowerCase()}: ` : "";
  if (corrected === null || p === null) return `${name}distance ${distance.toFixed(2)}, not tested`;
  return `${name}distance ${corrected.toFixed(2)}, p ${pValue(p)}${significant ? ", drifted" : ""}`;
}

function sidesText(score, of) {
  if (!score) return element("p", "", "quiet");
  return element("p", `${count(score.n_reference)} ${of} in the reference, ${count(score.n_current)} now`, "quiet sides");
}

/** {before, now, from, to} of each bin that either side fills, and one beside them; `from` and `to` are edges or null. */
function binsOf(name, part, { edges, reference, current }) {
  const many = (reference || current).length;
  const first = many === edges.length - 1 ? 0 : -1; // some begin with a bin below all edges
  const all = Array.from({ length: many }, (_, place) => ({
    before: reference ? reference[place] : 0,
    now: current ? current[place] : 0,
    from: edges[place + first] ?? null,
    to: edges[place + first + 1] ?? null,
    place,
  }));
  const filled = all.filter(({ before, now }) => before > 0 || now > 0);
  if (filled.length === 0) return [];
  const low = Math.max(filled[0].place - 1, 0);
  const high = Math.min(filled[filled.length - 1].place + 1, many - 1);
  return all.slice(low, high + 1).map((bin) => ({ ...bin, label: name === "count" ? countText(bin) : null }));
}

/** Bin i of detections per image is i of them; wider ones beyond. */
function countText({ from, to, place }) {
  if (to === null) return `${from}+`;
  if (place <= WHOLE_COUNT - 1) return String(place);
  return to - from === 1 ? String(from) : `${from}–${to - 1}`;
}

function picture(part, bins) {
  const most = roof(Math.max(...bins.flatMap(({ before, now }) => [before, now])));
  const slot = (WIDTH - LEFT - RIGHT) / bins.length;
  const x = (place) => LEFT + slot * place;
  const y = (value) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value / most);
  const made = drawing("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": inWords(part, bins) });
  for (const value of [0, most / 2, most]) {
    made.append(drawing("path", { d: `M${LEFT} ${y(value)}H${WIDTH - RIGHT}`, class: "grid" }));
    made.append(written(LEFT - 6, y(value) + 4, percentText(value, most), "end"));
  }
  bins.forEach(({ before }, place) => {
    if (before > 0) made.append(drawing("rect", { x: x(place), y: y(before), width: slot, height: y(0) - y(before), class: "reference" }));
  });
  made.append(drawing("path", { d: outline(bins.map(({ before }) => before), x, y), class: "reference-line" }));
  made.append(drawing("path", { d: outline(bins.map(({ now }) => now), x, y), class: "current-line" }));
  const base = HEIGHT - BOTTOM + 14;
  for (const [at, text] of ticksOf(part, bins)) made.append(written(x(at), base, text, "middle"));
  made.append(written(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 6, `${part.unit} (bars: per cent of ${part.of})`, "middle"));
  return made;
}

/** The outline of steps, which closes at the bottom at both ends. */
function outline(values, x, y) {
  const steps = values.map((value, place) => `V${y(value).toFixed(1)}H${x(place + 1).toFixed(1)}`);
  return `M${x(0)} ${y(0)}${steps.join("")}V${y(0)}`;
}

/** Where to write which number: middles of bins that are single numbers, else edges, the roundest that are few enough. */
function ticksOf(part, bins) {
  if (bins[0].label !== null) {
    const every = Math.ceil(bins.length / TICKS);
    return bins.flatMap((bin, place) => (place % every === 0 ? [[place + 0.5, bin.label]] : []));
  }
  const edges = [...bins.map((bin, place) => [place, bin.from]), [bins.length, bins[bins.length - 1].to]].filter(([, edge]) => edge !== null);
  for (const step of part.steps) {
    const round = edges.filter(([, edge]) => isRound(part.scale(edge) / step));
    if (round.length <= TICKS + 1) return round.map(([place, edge]) => [place, part.tick(edge)]);
  }
  return [edges[0], edges[edges.length - 1]].map(([place, edge]) => [place, part.tick(edge)]);
}

const isRound = (value) => Math.abs(value - Math.round(value)) < 1e-6;

function written(x, y, text, anchor) {
  const made = drawing("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

/** The least round number that is no less: 0.37 is 0.4. */
function roof(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-6)));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value - 1e-9);
}

function percentText(value, most) {
  return `${Number((100 * value).toFixed(most < 0.02 ? 2 : most < 0.1 ? 1 : 0))} %`;
}

/** For those who can't see it: where most of both sides lies. */
function inWords(part, bins) {
  const peak = (side) => bins.reduce((best, bin) => (bin[side] > best[side] ? bin : best));
  const where = (bin) => bin.label ?? [bin.from, bin.to].filter((edge) => edge !== null).map(part.tick).join(" to ");
  const text = (side) => `${where(peak(side))} (${share(peak(side)[side])})`;
  return `${part.title}, ${part.unit}: most of the reference at ${text("before")}, of the current period at ${text("now")}.`;
}

function classFigure({ names, reference, current }, score) {
  const made = element("figure", undefined, "distribution class-mix");
  const list = element("ul", undefined, "classes moved");
  const before = reference || names.map(() => 0);
  const now = current || names.map(() => 0);
  const most = Math.max(...before, ...now);
  const rows = names.map((name, place) => classRow(name, before[place], now[place], most));
  list.append(...rows.slice(0, CLASSES));
  made.append(captionOf("Class mix", "class", score), list);
  if (rows.length > CLASSES) {
    const fold = element("details");
    const rest = element("ul", undefined, "classes moved");
    rest.append(...rows.slice(CLASSES));
    fold.append(element("summary", plural(rows.length - CLASSES, "more class", "more classes")), rest);
    made.append(fold);
  }
  made.append(sidesText(score, "detections"));
  return made;
}

function classRow(name, before, now, most) {
  const label = element("span", name, "name");
  label.title = name;
  const bars = element("span", undefined, "pair");
  bars.append(bar(before / most, "before"), bar(now / most, "after"));
  const row = element("li");
  row.append(label, bars, element("span", `${share(before)} → ${share(now)}`, "count"));
  return row;
}
