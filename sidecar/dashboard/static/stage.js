// The image with its boxes: what was predicted dashed, what will be saved solid; drawn, moved and resized by pointer.

import { arrange, drawing } from "./dom.js";

const HANDLE = 11; // pixels of the screen
const TEXT = 13;
const SLACK = 3; // pixels of the screen that a click may slip
const CORNERS = [["left", "top"], ["right", "top"], ["right", "bottom"], ["left", "bottom"]];
const SIDES = [["top"], ["right"], ["bottom"], ["left"]];
const FREE = 60; // a side so long has room for handles between its corners

export const imageOf = (id) => `/api/v1/samples/${encodeURIComponent(id)}/image`;

const score = (value) => (value === null ? "" : ` ${value.toFixed(2)}`);
const attributes = (node, values) => {
  for (const [name, value] of Object.entries(values)) node.setAttribute(name, String(value));
};

export class Stage {
  /** `changed()` follows each change of the boxes or the selection; `drawn(box)` a new box, null where it was none. */
  constructor(svg, { changed, drawn, loaded }) {
    this.svg = svg;
    this.changed = changed;
    this.drawn = drawn;
    this.loaded = loaded;
    this.edit = null;
    this.drag = null;
    this.isDrawing = false;
    this.state = "none";
    this.label = "";
    this.image = drawing("image", { preserveAspectRatio: "xMidYMid meet" });
    this.predicted = drawing("g", { class: "predicted" });
    this.boxes = drawing("g", { class: "boxes" });
    this.draft = drawing("rect", { class: "draft" });
    svg.append(this.image, this.predicted, this.boxes, this.draft);
    this.image.addEventListener("load", () => this.imageIs("shown"));
    this.image.addEventListener("error", () => this.imageIs("gone"));
    svg.addEventListener("pointerdown", (event) => this.began(event));
    svg.addEventListener("pointermove", (event) => this.went(event));
    svg.addEventListener("pointerup", (event) => this.ended(event));
    svg.addEventListener("pointercancel", () => this.cancel());
    new ResizeObserver(() => this.edit && this.render()).observe(svg);
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
    attributes(this.svg, { viewBox: `0 0 ${width} ${height}` });
    attributes(this.image, { width, height, href: imageOf(id) });
    this.render();
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

  setDrawing(on) {
    this.isDrawing = on;
    this.svg.classList.toggle("drawing", on);
  }

  /** Pixels of the screen for one of the image. */
  get scale() {
    const matrix = this.svg.getScreenCTM();
    return (matrix && matrix.a) || 1;
  }

  placeOf({ clientX, clientY }) {
    const matrix = this.svg.getScreenCTM();
    if (!matrix) return [0, 0];
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
    return [x, y];
  }

  render() {
    const { edit, scale } = this;
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
      stamp: (box) => JSON.stringify([box, scale, box.id === edit.selected, edit.numberOf(box.id), edit.boxes.length]),
      make: ({ id }) => drawing("g", { "data-id": id, role: "button", class: "box" }),
      fill: (node, box) => this.fillBox(node, box, scale),
    });
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
    const [x1, y1, x2, y2] = box;
    const above = y1 * scale > TEXT + 6 ? y1 - 5 / scale : y1 + (TEXT + 3) / scale;
    node.classList.toggle("selected", isSelected);
    attributes(node, {
      tabindex: isSelected ? 0 : -1,
      "aria-pressed": isSelected,
      "aria-label": `Box ${edit.numberOf(id)} of ${edit.boxes.length}: ${label || "no class yet"}`,
    });
    const parts = [rectOf(box, { class: "casing" }), rectOf(box, { class: "line" })];
    if (isSelected) {
      const room = { x: (x2 - x1) * scale >= FREE, y: (y2 - y1) * scale >= FREE };
      const sides = SIDES.filter(([side]) => (side === "top" || side === "bottom" ? room.x : room.y));
      parts.push(...[...sides, ...CORNERS].map((edges) => handleOf(box, edges, HANDLE / scale)));
    }
    node.replaceChildren(...parts, textOf(named, x1 + 4 / scale, above, scale));
  }

  /** Puts the focus on the selected box, else on the image. */
  focus() {
    const node = this.edit && this.boxes.querySelector(".selected");
    (node || this.svg).focus({ preventScroll: true });
  }

  began(event) {
    if (!this.edit || event.button !== 0 || this.drag) return;
    event.preventDefault(); // else text is selected, or the image dragged away
    const at = this.placeOf(event);
    const node = event.target.closest("[data-id]");
    this.svg.setPointerCapture(event.pointerId);
    if (this.isDrawing) {
      this.drag = { kind: "draw", at };
      return;
    }
    this.edit.select(node ? Number(node.dataset.id) : null);
    if (node) {
      const edges = (event.target.dataset.edges || "").split(" ").filter((edge) => edge);
      this.drag = { kind: edges.length ? "size" : "move", at, edges, box: this.edit.current.box, isFar: false };
    }
    this.changed();
    this.focus();
  }

  went(event) {
    const { drag, edit } = this;
    if (!drag) return;
    const [x, y] = this.placeOf(event);
    const [dx, dy] = [x - drag.at[0], y - drag.at[1]];
    if (drag.kind === "draw") {
      const corner = [Math.min(x, drag.at[0]), Math.min(y, drag.at[1])];
      attributes(this.draft, { x: corner[0], y: corner[1], width: Math.abs(dx), height: Math.abs(dy) });
      return;
    }
    if (!drag.isFar && Math.hypot(dx, dy) * this.scale < SLACK) return;
    if (!drag.isFar) edit.keep();
    drag.isFar = true;
    edit.place(
      edit.selected,
      drag.kind === "size" ? edit.resized(drag.box, drag.edges, dx, dy) : edit.moved(drag.box, dx, dy),
    );
    this.changed();
  }

  ended(event) {
    const { drag } = this;
    if (!drag) return;
    if (drag.kind === "draw") {
      const made = this.edit.add(this.label, drag.at, this.placeOf(event));
      this.clearDraft();
      this.drag = null;
      this.setDrawing(false);
      this.changed();
      this.drawn(made);
    } else this.drag = null;
  }

  /** A box in the middle of the image, for who draws without a pointer. */
  drawInMiddle() {
    const { width, height } = this.edit;
    const made = this.edit.add(this.label, [width * 0.375, height * 0.375], [width * 0.625, height * 0.625]);
    this.setDrawing(false);
    this.changed();
    this.drawn(made);
  }

  /** Leaves off what is being dragged; true where there was something. */
  cancel() {
    const { drag } = this;
    const had = Boolean(drag) || this.isDrawing;
    this.drag = null;
    this.setDrawing(false);
    this.clearDraft();
    if (drag && drag.isFar) {
      this.edit.undo();
      this.changed();
    }
    return had;
  }

  clearDraft() {
    attributes(this.draft, { width: 0, height: 0 });
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
