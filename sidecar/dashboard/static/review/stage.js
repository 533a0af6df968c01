// The image with its boxes: what was predicted dashed, what will be saved solid. How it is touched is in gestures.js.

import { arrange, drawing } from "../base/dom.js";
import { Gestures } from "./gestures.js";
import { Light } from "./light.js";
import { View } from "./view.js";

const HANDLE = 11; // pixels of the screen
const HANDLE_TOUCH = 22;
const TEXT = 13;
const CORNERS = [["left", "top"], ["right", "top"], ["right", "bottom"], ["left", "bottom"]];
const SIDES = [["top"], ["right"], ["bottom"], ["left"]];
const FREE = 60; // a side so long has room for handles between its corners
const SHOWN = ["names", "boxes", "nothing"]; // what is drawn over the image

export const imageOf = (id) => `/api/v1/samples/${encodeURIComponent(id)}/image`;

const score = (value) => (value === null ? "" : ` ${value.toFixed(2)}`);
const attributes = (node, values) => {
  for (const [name, value] of Object.entries(values)) node.setAttribute(name, String(value));
};

export class Stage {
  /** `changed()` follows each change of the boxes or the selection, `drawn(box, isNamed)` a new box (null where it was
   * none), `loaded(state)` the image, `zoomed()` another view. */
  constructor(svg, { changed, drawn, loaded, zoomed }) {
    this.svg = svg;
    this.changed = changed;
    this.drawn = drawn;
    this.loaded = loaded;
    this.zoomed = zoomed;
    this.view = new View();
    this.edit = null;
    this.classes = null;
    this.isDrawing = false;
    this.isNamed = false; // whether the class of the box to draw was chosen, not only supposed
    this.state = "none";
    this.label = "";
    this.isNumbered = false; // whether boxes are told apart by their numbers
    this.image = drawing("image", { preserveAspectRatio: "xMidYMid meet" });
    this.predicted = drawing("g", { class: "predicted" });
    this.boxes = drawing("g", { class: "boxes" });
    this.draft = drawing("rect", { class: "draft" });
    this.cross = [drawing("line", { class: "cross" }), drawing("line", { class: "cross" })];
    svg.append(this.image, this.predicted, this.boxes, this.draft, ...this.cross);
    this.light = new Light(svg, this.image);
    svg.dataset.shown = SHOWN[0];
    this.image.addEventListener("load", () => this.imageIs("shown"));
    this.image.addEventListener("error", () => this.imageIs("gone"));
    this.gestures = new Gestures(this);
    this.isTouched = matchMedia("(pointer: coarse)").matches;
    new ResizeObserver(() => this.measureScreen()).observe(svg);
    this.setDrawing(false);
  }

  imageIs(state) {
    if (this.state !== "loading") return;
    this.setState(state);
    this.loaded(state);
  }

  /** Of the image: none, loading, shown, gone. */
  setState(state) {
    this.state = state;
    this.svg.dataset.state = state;
  }

  /** `edit` null: nothing is shown. */
  show(item, edit) {
    this.cancel();
    this.edit = edit;
    this.setState(item ? "loading" : "none");
    this.svg.toggleAttribute("hidden", !item);
    if (!item) {
      this.image.removeAttribute("href");
      return;
    }
    if (item.width > 0 && item.height > 0) this.place(item);
    else this.measure(item, edit);
  }

  place({ id, width, height }) {
    this.view.ofImage(width, height);
    attributes(this.image, { width, height, href: imageOf(id) });
    this.measureScreen();
  }

  /** Of an image whose size nobody recorded the file has it; one that has none can't be shown. */
  async measure(item, edit) {
    this.image.removeAttribute("href"); // else the last one is on the screen, and its events are taken for this one's
    const found = Object.assign(new Image(), { src: imageOf(item.id) });
    await found.decode().catch(() => {});
    if (this.edit !== edit) return;
    const { naturalWidth: width, naturalHeight: height } = found;
    if (!(width > 0 && height > 0)) {
      this.imageIs("gone");
      return;
    }
    edit.measured(width, height);
    this.place({ id: item.id, width, height });
  }

  measureScreen() {
    if (!this.edit || !this.view.image[0]) return;
    const { width, height } = this.svg.getBoundingClientRect();
    this.view.ofScreen(width, height);
    this.look();
  }

  /** Shows what the view says. */
  look() {
    attributes(this.svg, { viewBox: this.view.seen.join(" ") });
    this.svg.classList.toggle("near", this.view.isNear);
    this.render();
    this.zoomed();
  }

  nearer(factor, at) {
    if (!this.edit) return;
    this.view.nearer(factor, at);
    this.look();
  }

  fit() {
    if (!this.edit) return;
    this.view.fit();
    this.look();
  }

  /** Goes near to a box, and back to the whole image from there. */
  around(box) {
    if (!this.edit) return;
    if (box) this.view.around(box.box);
    else this.view.fit();
    this.look();
  }

  /** By pixels of the screen. */
  pan(dx, dy) {
    this.view.pan(dx / this.view.scale, dy / this.view.scale);
    this.look();
  }

  /** Names and boxes, boxes alone, the bare image, and round. Which it is. */
  showLess() {
    const { dataset } = this.svg;
    dataset.shown = SHOWN[(SHOWN.indexOf(dataset.shown) + 1) % SHOWN.length];
    return dataset.shown;
  }

  setDrawing(on, label = null) {
    this.isDrawing = on;
    this.isNamed = on && label !== null;
    if (label !== null) this.label = label;
    this.svg.classList.toggle("drawing", on);
  }

  placeOf({ clientX, clientY }) {
    const matrix = this.svg.getScreenCTM();
    if (!matrix) return [0, 0];
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
    return [x, y];
  }

  render() {
    const { edit } = this;
    const { scale } = this.view;
    const left = new Map(edit.boxes.filter(({ from }) => from).map((box) => [box.from.index, box]));
    const keyed = edit.predicted.map((one) => ({ ...one, id: one.from.index, kept: left.get(one.from.index) }));
    arrange(this.predicted, keyed, {
      key: ({ id }) => id,
      stamp: ({ kept, ...one }) => JSON.stringify([one, scale, isAsPredicted(kept, one)]),
      make: () => drawing("g", {}),
      fill: (node, one) => this.fillPredicted(node, one, scale),
    });
    arrange(this.boxes, edit.boxes, {
      key: ({ id }) => id,
      stamp: (box) =>
        JSON.stringify([box, scale, box.id === edit.selected, edit.numberOf(box.id), edit.boxes.length, this.isNumbered]),
      make: ({ id }) => drawing("g", { "data-id": id, role: "button", class: "box" }),
      fill: (node, box) => this.fillBox(node, box, scale),
    });
    this.boxes.classList.toggle("dimmed", Boolean(edit.current));
    this.svg.setAttribute("aria-label", `The image, with ${edit.boxes.length || "no"} boxes`);
  }

  /** Of a prediction whose label stands where it stood nothing more is to be seen. */
  fillPredicted(node, { label, box, from, kept }, scale) {
    const text = isAsPredicted(kept, { label, box }) ? "" : `${label}${score(from.score)}`;
    const [x1, , , y2] = box;
    node.replaceChildren(rectOf(box, {}), textOf(text, x1 + 4 / scale, y2 - 5 / scale, scale));
  }

  fillBox(node, { id, label, box, from }, scale) {
    const { edit } = this;
    const isSelected = id === edit.selected;
    const named = from && from.label === label ? `${label}${score(from.score)}` : label || "?";
    const place = edit.numberOf(id);
    const text = this.isNumbered ? `${place}: ${named}` : named;
    const said = label ? named : "? no class yet";
    const [x1, y1, x2, y2] = box;
    const above = y1 * scale > TEXT + 6 ? y1 - 5 / scale : y1 + (TEXT + 3) / scale;
    attributes(node, {
      class: `box c${this.classes ? this.classes.colour(label) : 0}${isSelected ? " selected" : ""}`,
      tabindex: isSelected ? 0 : -1,
      "aria-pressed": isSelected,
      "aria-label": `Box ${place}${this.isNumbered ? "" : ` of ${edit.boxes.length}`}: ${said}`, // all that is seen in it
    });
    const parts = [rectOf(box, { class: "casing" }), rectOf(box, { class: "line" })];
    if (isSelected) {
      const size = this.isTouched ? HANDLE_TOUCH : HANDLE;
      const free = this.isTouched ? 2 * FREE : FREE;
      const room = { x: (x2 - x1) * scale >= free, y: (y2 - y1) * scale >= free };
      const sides = SIDES.filter(([side]) => (side === "top" || side === "bottom" ? room.x : room.y));
      parts.push(...[...sides, ...CORNERS].map((edges) => handleOf(box, edges, size / scale)));
    }
    node.replaceChildren(...parts, textOf(text, x1 + 4 / scale, above, scale));
  }

  /** Shows the numbers of the boxes, whatever else is hidden, or no longer. */
  setNumbered(on) {
    this.isNumbered = on;
    this.svg.classList.toggle("numbered", on);
  }

  /** Puts the focus on the selected box, else on the image. */
  focus() {
    const node = this.edit && this.state !== "loading" && this.boxes.querySelector(".selected");
    (node || this.svg).focus({ preventScroll: true });
  }

  /** A box in the middle of what is seen, for who draws without a pointer. */
  drawInMiddle() {
    this.finish(...this.edit.middle(this.view.seen, this.isNamed ? this.label : ""));
  }

  /** A new box from one corner to another. */
  finish(from, to) {
    const { isNamed } = this;
    const made = this.edit.add(this.label, from, to);
    this.setDrawing(false);
    this.changed();
    this.drawn(made, isNamed);
  }

  /** Leaves off what is being dragged or drawn; true where there was something. */
  cancel() {
    const had = this.gestures.cancel() || this.isDrawing;
    this.setDrawing(false);
    return had;
  }

  showDraft([xa, ya], [xb, yb]) {
    attributes(this.draft, {
      x: Math.min(xa, xb),
      y: Math.min(ya, yb),
      width: Math.abs(xb - xa),
      height: Math.abs(yb - ya),
    });
  }

  clearDraft() {
    attributes(this.draft, { width: 0, height: 0 });
  }

  /** Lines through a place across all that is seen, to draw an edge where it belongs. */
  showCross([x, y]) {
    const far = 1e5; // pixels of the image: beyond any screen
    attributes(this.cross[0], { x1: x - far, x2: x + far, y1: y, y2: y });
    attributes(this.cross[1], { x1: x, x2: x, y1: y - far, y2: y + far });
  }
}

const isAsPredicted = (kept, { label, box }) =>
  Boolean(kept) && kept.label === label && kept.box.every((edge, place) => edge === box[place]);

function rectOf([x1, y1, x2, y2], more) {
  return drawing("rect", { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0), ...more });
}

function handleOf([x1, y1, x2, y2], edges, size) {
  const x = edges.includes("left") ? x1 : edges.includes("right") ? x2 : (x1 + x2) / 2;
  const y = edges.includes("top") ? y1 : edges.includes("bottom") ? y2 : (y1 + y2) / 2;
  const made = drawing("rect", { x: x - size / 2, y: y - size / 2, width: size, height: size });
  attributes(made, { class: `handle ${edges.join("-")}`, "data-edges": edges.join(" ") });
  return made;
}

function textOf(text, x, y, scale) {
  const made = drawing("text", { x, y, "font-size": TEXT / scale, "stroke-width": 3 / scale });
  made.textContent = text.length > 40 ? `${text.slice(0, 39)}…` : text;
  return made;
}
