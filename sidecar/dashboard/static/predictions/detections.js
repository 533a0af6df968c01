// The table of detections, and from which confidence on they are shown: for looking only.

import { arrange, bar, byId, element, setText } from "../base/dom.js";
import { plural } from "../base/format.js";
import { BOXES_MAX, placeAt, placed } from "./boxes.js";
import { frameOf, placeOf } from "./picture.js";
import { counts, score } from "./words.js";

const STEP = 0.01; // of the slider

export class Detections {
  /** `looked(from)` follows the slider, `lit(place)` the row that is looked at (null: none). */
  constructor({ looked, lit }) {
    this.found = null;
    this.from = null;
    this.chosen = null; // the place of the detection whose row had the focus last
    const slider = byId("look-at");
    const below = byId("look-below");
    const move = (from) => {
      this.from = from;
      looked(from);
    };
    slider.addEventListener("input", () => move(Number(slider.value)));
    below.addEventListener("change", () => move(below.checked ? 0 : this.found.score_threshold));
    const body = byId("detections");
    for (const kind of ["pointerover", "focusin"]) body.addEventListener(kind, (event) => lit(placeAt(event)));
    body.addEventListener("focusin", (event) => {
      this.chosen = placeAt(event);
    });
    for (const kind of ["pointerleave", "focusout"]) body.addEventListener(kind, () => lit(null));
  }

  show(found, classes) {
    this.found = found;
    if (this.from === null) this.from = found.score_threshold;
    const { detections, score_threshold: threshold } = found;
    const all = placed(detections);
    const shown = all.filter(({ confidence }) => counts(confidence, this.from));
    this.showLooking(all, threshold, shown.length);
    const frame = frameOf(found);
    arrange(byId("detections"), shown, {
      key: ({ place }) => place,
      make: (one) => rowOf(one, frame, classes, threshold),
    });
    byId("detections-table").hidden = shown.length === 0;
    this.say(detections, shown.length);
  }

  showLooking(all, threshold, shown) {
    const below = all.filter(({ confidence }) => !counts(confidence, threshold)).length;
    byId("looking").hidden = all.length === 0;
    const slider = byId("look-at");
    if (Number(slider.value) !== this.from) slider.value = String(Math.round(this.from / STEP) * STEP);
    const isOwn = this.from === threshold;
    const from = `${this.from.toFixed(2)}${isOwn ? ", the operating point" : ""}`;
    setText(byId("look-says"), `${from}: ${shown} of ${plural(all.length, "box", "boxes")}`);
    byId("look-below").checked = this.from < threshold;
    byId("look-below").disabled = below === 0;
    const count = below ? plural(below, "box", "boxes") : "none";
    setText(byId("look-below-says"), `${count} below the operating point, ${threshold.toFixed(2)}`);
  }

  say(detections, shown) {
    const count = detections === null ? 0 : detections.length;
    const cut = count > BOXES_MAX ? `, the first ${BOXES_MAX} here` : "";
    setText(byId("detections-count"), detections === null ? "" : `${shown} shown of ${count}${cut}`);
    const none = byId("detections-none");
    none.hidden = shown > 0;
    const nothing = count ? "None is so sure: move the slider to the left." : "The model saw nothing in this image.";
    const unknown = "What was seen is not known: the answer could not be read, or was an error.";
    setText(none, detections === null ? unknown : nothing);
  }

  light(place) {
    for (const row of byId("detections").children) row.classList.toggle("lit", Number(row.dataset.place) === place);
  }

  /** Puts the focus on the row of a box that was clicked. */
  focus(place) {
    byId("detections").querySelector(`tr[data-place="${place}"] button`)?.focus();
  }
}

function rowOf({ place, label, confidence, box, normalised }, frame, classes, threshold) {
  const row = element("tr", undefined, counts(confidence, threshold) ? "" : "below");
  row.dataset.place = String(place);
  const name = element("th");
  name.scope = "row";
  const swatch = element("span", undefined, `swatch c${classes.colour(label)}`);
  const button = element("button", label, "link name");
  button.type = "button";
  name.append(swatch, button);
  const sure = element("td", undefined, "sure");
  const says = element("span", score(confidence));
  if (confidence !== null) says.title = String(confidence);
  sure.append(bar(confidence === null ? 0 : confidence), says);
  row.append(element("td", String(place), "number"), name, sure, element("td", placeText({ box, normalised }, frame)));
  return row;
}

function placeText(one, frame) {
  const unit = one.normalised && frame[0] === frame[1] ? 3 : 0;
  const [x, y, width, height] = placeOf(one, frame).map((edge) => edge.toFixed(unit));
  return `${x}, ${y}, ${width} × ${height}`;
}
