// One image, large, with the boxes of one prediction over it.

import { arrange, drawing } from "../base/dom.js";
import { imageIn, placeOf, rectOf, svgOf } from "./picture.js";
import { counts, score } from "./words.js";

const TEXT = 13; // pixels of the screen
const NAME_CHARS = 30;
const NAMED_MAX = 30; // more names than that would hide each other: then only the one that is looked at has its
export const BOXES_MAX = 500;

/** The place of the detection that an event is at, null where it is at none. */
export function placeAt({ target }) {
  const node = target.closest("[data-place]");
  return node ? Number(node.dataset.place) : null;
}

/** Detections with their places, as many as are drawn. */
export const placed = (detections) => (detections || []).slice(0, BOXES_MAX).map((one, place) => ({ ...one, place }));

export class Boxes {
  /** `lit(place)` follows the pointer over a box (null: over none), `chosen(place)` a click on it. */
  constructor({ label, lit, chosen }) {
    this.svg = svgOf([1, 1], { role: "img", "aria-label": label });
    this.layer = drawing("g", {});
    this.image = null;
    this.scale = 1;
    this.lit = null;
    this.svg.addEventListener("pointerover", (event) => lit(placeAt(event)));
    this.svg.addEventListener("pointerleave", () => lit(null));
    this.svg.addEventListener("click", (event) => {
      if (placeAt(event) !== null) chosen(placeAt(event));
    });
    this.svg.append(this.layer);
    new ResizeObserver(() => this.measure()).observe(this.svg);
  }

  /** `href` empty: the frame alone. `from` is the confidence from which boxes are shown. */
  show({ frame, href, detections, threshold, classes, from }) {
    this.frame = frame;
    this.svg.setAttribute("viewBox", `0 0 ${frame.join(" ")}`);
    this.svg.classList.toggle("bare", !href);
    if (!href) {
      this.image?.remove();
      this.image = null;
    } else if (!this.image || this.image.getAttribute("href") !== href) {
      this.image?.remove();
      this.image = imageIn(href, frame);
      this.svg.prepend(this.image);
    }
    this.threshold = threshold;
    this.shown = placed(detections).filter(({ confidence }) => counts(confidence, from));
    this.classes = classes;
    this.measure();
  }

  measure() {
    const { width, height } = this.svg.getBoundingClientRect();
    if (!this.frame || !width) return;
    this.scale = Math.min(width / this.frame[0], height / this.frame[1]) || 1;
    this.render();
  }

  render() {
    const isNamed = this.shown.length <= NAMED_MAX;
    arrange(this.layer, this.shown, {
      key: ({ place }) => place,
      stamp: ({ place }) => `${this.scale} ${isNamed || place === this.lit}`,
      make: ({ place }) => drawing("g", { "data-place": place }),
      fill: (node, one) => this.fillBox(node, one, isNamed || one.place === this.lit),
    });
    this.light(this.lit);
  }

  fillBox(node, one, isNamed) {
    const place = placeOf(one, this.frame);
    const [x, y] = place;
    const size = TEXT / this.scale;
    const isBelow = !counts(one.confidence, this.threshold);
    node.setAttribute("class", `box c${this.classes.colour(one.label)}${isBelow ? " below" : ""}`);
    const above = y > size * 1.3 ? y - 4 / this.scale : y + size * 1.1;
    const casing = 3 / this.scale;
    const name = isNamed ? nameOf(one) : "";
    const isAtEdge = x + (name.length * size) / 2 > this.frame[0]; // there a name ends where its box does
    const start = isAtEdge ? x + place[2] : x + 2 / this.scale;
    const text = drawing("text", { x: start, y: above, "font-size": size, "stroke-width": casing });
    if (isAtEdge) text.setAttribute("text-anchor", "end");
    text.textContent = name;
    node.replaceChildren(rectOf(place, { class: "casing" }), rectOf(place, { class: "line" }), text);
  }

  /** Makes one box stand out; null: none. */
  light(place) {
    const isOther = place !== this.lit;
    this.lit = place;
    if (isOther && this.shown && this.shown.length > NAMED_MAX) this.render();
    let found = false;
    for (const node of this.layer.children) {
      const isLit = Number(node.dataset.place) === place;
      node.classList.toggle("lit", isLit);
      found ||= isLit;
    }
    this.layer.classList.toggle("dimmed", found);
  }
}

function nameOf({ label, confidence }) {
  const name = label.length > NAME_CHARS ? `${label.slice(0, NAME_CHARS - 1)}…` : label;
  return confidence === null ? name : `${name} ${score(confidence)}`;
}
