// How the shares of a test went on: each epoch as wide as it was long, each treatment as high as its share.

import { drawing, element, stamp } from "../base/dom.js";
import { duration, moment, part } from "../base/format.js";
import { colourOf, numberOf, sample } from "../base/series.js";

const HEIGHT = 24;
const WIDTH_MIN = 0.6;
const LISTED = 20;
const STEPS = 8;

/** The part of a card; `test` is an A/B test or a shadow test. */
export function timelinePart(test) {
  const control = test.kind === "ab_test" ? named(test.variants[0]) : null;
  const names = test.kind === "ab_test" ? test.variants.slice(1) : [test.shadow];
  // While it runs the last epoch grows, but not with every refresh.
  const now = test.ended_at === null ? Math.floor(Date.now() / 60000) * 60 : test.ended_at;
  return {
    name: "timeline",
    data: { epochs: test.epochs, names: names.map(named), now, control },
    make: makePart,
    fill: fillPart,
  };
}

const named = ({ id, variant }) => ({ id, variant });

function makePart() {
  const made = element("section", undefined, "part");
  const fold = element("details");
  fold.append(element("summary", "Epochs"), element("ol", undefined, "epochs"));
  made.append(element("h2", "Split over time"), element("div"), fold);
  return made;
}

function fillPart(node, data) {
  const [, picture, fold] = node.children;
  picture.replaceChildren(stepsOf(data), drawn(data), axis(data));
  const shown = data.epochs.slice(-LISTED).reverse();
  const rows = shown.map((epoch) => epochRow(epoch, data));
  if (data.epochs.length > LISTED) rows.push(element("li", `and ${data.epochs.length - LISTED} earlier ones`, "quiet"));
  fold.lastElementChild.replaceChildren(...rows);
}

/** What treatments got together, one epoch after the other. */
function stepsOf({ epochs, names }) {
  const steps = epochs.map(({ shares }) => part(names.reduce((sum, { variant }) => sum + (shares[variant] || 0), 0)));
  const shown = steps.slice(-STEPS);
  const made = element("p", `${steps.length > STEPS ? "… → " : ""}${shown.join(" → ")} for`, "quiet small");
  names.forEach(({ id }, index) => made.append(index ? ", " : " ", sample(numberOf(id), true), id));
  return made;
}

function drawn({ epochs, names, now }) {
  const picture = drawing("svg", {
    viewBox: `0 0 100 ${HEIGHT}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
    class: "timeline",
  });
  picture.append(drawing("rect", { width: 100, height: HEIGHT, class: "track" }));
  const begin = epochs[0].since;
  const span = Math.max(now - begin, 1);
  for (const { since, until, shares } of epochs) {
    const x = (100 * (since - begin)) / span;
    const width = Math.max((100 * ((until === null ? now : until) - since)) / span, WIDTH_MIN);
    let y = HEIGHT;
    names.forEach(({ id, variant }) => {
      const share = shares[variant] || 0;
      if (!share) return;
      const height = Math.max(HEIGHT * share, 1.5); // one per cent is seen too
      y -= height;
      picture.append(drawing("rect", { x, y, width, height, class: `arm area-${colourOf(numberOf(id)) + 1}` }));
    });
    if (x > 0) picture.append(drawing("path", { d: `M${x} 0V${HEIGHT}`, class: "border" }));
  }
  return picture;
}

function axis({ epochs, now }) {
  const made = element("p", undefined, "axis quiet");
  const [{ since }] = epochs;
  const { until } = epochs[epochs.length - 1];
  made.append(stamp(since, moment(since)), element("span", until === null ? "now" : moment(now)));
  return made;
}

function epochRow({ since, until, shares, reason }, { names, control }) {
  const row = element("li");
  const all = control ? [control, ...names] : names;
  const split = all.map(({ id, variant }) => `${id} ${part(shares[variant] || 0)}`);
  row.append(stamp(since, moment(since)), ` ${split.join(" : ")}`);
  const lasting = until === null ? "" : `, ${duration(until - since)}`;
  row.append(element("span", ` ${reason}${lasting}`, "quiet"));
  return row;
}
