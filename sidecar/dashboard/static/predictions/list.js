// The rows of the list: each a link to its prediction's page. What the filters hold for stands first, and is marked.

import { arrange, byId, element, stamp } from "../base/dom.js";
import { milliseconds, moment } from "../base/format.js";
import { parted } from "./matching.js";
import { frameOf, imageIn, imageOf, placeOf, rectOf, svgOf } from "./picture.js";
import { classesOf, confidencesOf, outcome, pageOf, whose } from "./words.js";

const WIDTH = 160; // of the thumbnails, in pixels; screens with more to a point get the next
const BOXES_MAX = 60; // more are not told apart so small
const width = () => (devicePixelRatio > 1.25 ? 320 : WIDTH);

/** `matches` is a test of a detection, null where the filters ask for none. */
export function showRows(items, classes, matches) {
  arrange(byId("predictions"), items, {
    key: (item) => item.prediction_id,
    stamp: (item) => item.sample_id || "",
    make: () => element("li"),
    fill: (node, item) => fillRow(node, item, classes, parted(item, matches)),
  });
}

function fillRow(node, item, classes, parts) {
  const link = node.firstChild || element("a", undefined, "row");
  if (!node.firstChild) {
    node.append(link);
    link.href = pageOf(item.prediction_id);
    link.dataset.id = item.prediction_id;
    const [went, isBad] = outcome(item);
    link.append(
      element("span", undefined, "thumb"),
      stamp(item.at, moment(item.at)),
      whoOf(item),
      sawOf(item, parts),
      unitOf(item),
      element("span", went, isBad ? "went bad" : "went"),
      element("span", milliseconds(item.latency_ms), "took"),
    );
  }
  link.firstChild.replaceChildren(pictureOf(item, classes, parts));
  link.firstChild.classList.toggle("bare", !item.sample_id);
}

function whoOf(item) {
  const made = element("span", undefined, "who");
  made.append(element("span", whose(item), "name"), element("span", item.role, "tag"));
  return made;
}

function sawOf({ detections }, [found, others]) {
  const made = element("span", undefined, "saw");
  const text = element("span", undefined, detections && detections.length ? "" : "quiet");
  if (found.length) text.append(element("mark", classesOf(found)));
  if (others.length) text.append(found.length ? element("span", ` also ${classesOf(others)}`, "quiet") : classesOf(others));
  if (!found.length && !others.length) text.append(detections === null ? "not known what was seen" : "nothing");
  const sure = confidencesOf(found.length ? found : others);
  made.append(text);
  if (sure) made.append(element("span", sure, found.length ? "sure" : "quiet sure"));
  made.title = text.textContent;
  return made;
}

/** Whose traffic it was, where there is room for it. */
function unitOf({ unit }) {
  const made = element("span", unit, "unit quiet");
  if (unit) made.title = `Unit ${unit}`;
  return made;
}

/** What was found is drawn over the others, which are paler then. */
function pictureOf(item, classes, [found, others]) {
  const frame = frameOf(item);
  const made = svgOf(frame, { "aria-hidden": "true" });
  if (item.sample_id) made.append(imageIn(imageOf(item.sample_id, width()), frame));
  const few = found.slice(0, BOXES_MAX);
  const shown = [...others.slice(0, BOXES_MAX - few.length), ...few];
  for (const one of shown) {
    const isOther = found.length > 0 && !few.includes(one);
    made.append(rectOf(placeOf(one, frame), { class: `c${classes.colour(one.label)}${isOther ? " other" : ""}` }));
  }
  return made;
}
