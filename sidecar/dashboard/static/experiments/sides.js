// Both versions' boxes on one image. What became of a box is told by the stroke of its frame and by a word beside it.

import { drawing, element, setText } from "../base/dom.js";
import { milliseconds, plural } from "../base/format.js";

const NAMED_MAX = 14; // with more boxes only those in dispute are named on the image
const SIGNS = { matched: "", flipped: "≠ ", missed: "− ", extra: "+ ", not_compared: "" };
export const FATES = {
  matched: "seen alike",
  flipped: "another class",
  missed: "missed by the shadow",
  extra: "only the shadow's",
  not_compared: "under the threshold",
};
const WIDTHS = [320, 640]; // what the API makes smaller copies of
const NARROW = matchMedia("(max-width: 760px)");
const EMPTY = { width: 640, height: 480 };

export class Side {
  /** `role` says whose answers it shows. */
  constructor(role) {
    this.node = element("figure", undefined, "side");
    this.title = element("strong");
    this.link = element("a", "prediction");
    this.note = element("span", "", "quiet");
    const caption = element("figcaption");
    caption.append(this.title, element("span", role, "tag"), this.note, this.link);
    this.frame = element("div", undefined, "frame");
    this.node.append(caption, this.frame);
  }

  show(pair, side, name) {
    const one = pair[side];
    setText(this.title, name);
    const boxes = one.detections;
    const shown = boxes === null ? [] : boxes.filter((box) => isShown(box, one));
    const count = boxes === null ? "" : `${plural(shown.length, "box", "boxes")}, `;
    setText(this.note, `${count}${milliseconds(one.upstream_ms)}`);
    this.link.href = `/predictions/${encodeURIComponent(one.prediction_id)}`;
    this.link.setAttribute("aria-label", `Prediction of ${name}: ${one.prediction_id}`);
    this.frame.replaceChildren(pictureOf(pair, shown), ...this.words(pair, one));
  }

  words(pair, { detections, error, undecodable, status }) {
    const said = [];
    if (detections === null) said.push(error || undecodable || `status ${status}`);
    else if (!pair.sample_id) said.push("No image was kept of this one");
    return said.map((text) => element("p", text, "on-frame"));
  }
}

/** Of a pair that could not be compared, what counts for its own version. */
function isShown({ found, confidence }, { score_threshold: threshold }) {
  return found !== "not_compared" || (confidence !== null && confidence >= threshold);
}

/** Decodes the image before it is looked at. */
export function preload({ sample_id: id }) {
  if (id) new Image().src = imageOf(id);
}

const imageOf = (id) => `/api/v1/samples/${encodeURIComponent(id)}/image?width=${WIDTHS[1]}`;

function pictureOf(pair, boxes) {
  const { width, height } = sizeOf(pair, boxes);
  const picture = drawing("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  if (pair.sample_id) {
    const href = imageOf(pair.sample_id);
    picture.append(drawing("image", { href, width, height, preserveAspectRatio: "xMidYMid meet" }));
  }
  const names = boxes.length <= NAMED_MAX;
  const size = Math.max(width, height) / (NARROW.matches ? 24 : 40);
  const drawn = boxes.map((one) => ({ one, edges: edgesOf(one, width, height) })).filter(({ edges }) => edges);
  // What is in dispute lies above what is not.
  drawn.sort((first, second) => (first.one.found === "matched" ? 0 : 1) - (second.one.found === "matched" ? 0 : 1));
  for (const { one, edges } of drawn) {
    const [x, y, w, h] = edges;
    const group = drawing("g", { class: one.found });
    group.append(drawing("rect", { x, y, width: w, height: h, class: "under" }), drawing("rect", { x, y, width: w, height: h }));
    if (names || one.found !== "matched") {
      const text = drawing("text", { x: x + size / 6, y: y > size * 1.3 ? y - size / 4 : y + size, "font-size": size });
      text.textContent = `${SIGNS[one.found]}${one.label} ${scoreText(one)}`;
      group.append(text);
    }
    picture.append(group);
  }
  return picture;
}

export const scoreText = ({ confidence }) => (confidence === null ? "" : confidence.toFixed(2));

/** The image's; where it is not known, what holds all boxes. */
function sizeOf({ image_width: width, image_height: height }, boxes) {
  if (width > 0 && height > 0) return { width, height };
  const ends = boxes.filter(({ normalised }) => !normalised).map(({ box }) => [box[2] || 0, box[3] || 0]);
  return {
    width: Math.max(EMPTY.width, ...ends.map(([right]) => right)),
    height: Math.max(EMPTY.height, ...ends.map(([, bottom]) => bottom)),
  };
}

function edgesOf({ box, normalised }, width, height) {
  if (box.some((edge) => edge === null)) return null;
  const [x1, y1, x2, y2] = normalised ? [box[0] * width, box[1] * height, box[2] * width, box[3] * height] : box;
  return [x1, y1, Math.max(x2 - x1, 0), Math.max(y2 - y1, 0)];
}
