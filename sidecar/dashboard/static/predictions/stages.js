// The image with the boxes of the prediction, and beside it with those of the other version where there was one.

import { element, showText } from "../base/dom.js";
import { Boxes } from "./boxes.js";
import { frameOf, imageOf } from "./picture.js";
import { pageOf, seen, whose } from "./words.js";

const NO_IMAGE = "There is no image to show: none was kept, or it waits for its audit. These are the boxes alone.";

export class Stages {
  constructor(node, { lit, chosen }) {
    this.node = node;
    this.classes = null;
    this.own = stageOf({ label: "The image with what was detected", lit, chosen });
    this.other = null;
    node.append(this.own.figure);
  }

  /** `other` null: there is none. `from` is the confidence from which boxes are shown. */
  show(own, other, classes, from) {
    const sample = own.sample_id || (other && other.image_index === own.image_index && other.sample_id) || null;
    this.fill(this.own, own, sample, classes, from, Boolean(other), false);
    if (other && !this.other) {
      const label = "The image with what the other version detected";
      this.other = stageOf({ label, lit: (place) => this.other.boxes.light(place), chosen: () => {} });
      this.node.append(this.other.figure);
    }
    if (other) this.fill(this.other, other, sample, classes, from, true, true);
    this.node.classList.toggle("pair", Boolean(other));
  }

  fill({ boxes, caption, note }, found, sample, classes, from, isPair, isOther) {
    const { detections, score_threshold: threshold } = found;
    boxes.show({ frame: frameOf(found), href: sample ? imageOf(sample) : "", detections, threshold, classes, from });
    caption.hidden = !isPair;
    if (isPair && !caption.childElementCount) caption.append(...captionOf(found, isOther));
    showText(note, sample ? "" : NO_IMAGE);
  }

  light(place) {
    this.own.boxes.light(place);
  }
}

function stageOf(options) {
  const figure = element("figure", undefined, "stage-of");
  const caption = element("figcaption");
  const frame = element("div", undefined, "frame");
  const note = element("p", "", "quiet");
  const boxes = new Boxes(options);
  frame.append(boxes.svg);
  figure.append(caption, frame, note);
  return { figure, caption, note, boxes };
}

function captionOf(found, isOther) {
  const name = isOther ? element("a", whose(found)) : element("strong", whose(found));
  if (isOther) name.href = pageOf(found.prediction_id);
  return [name, element("span", found.role, "tag"), element("span", seen(found), "quiet")];
}
