// Mouse, pen and fingers on the image: boxes chosen, moved, resized and drawn; what is seen brought nearer and moved.

const SLACK = 3; // pixels of the screen that a click may slip
const SLACK_TOUCH = 8;
const WHEEL = 0.0016; // nearer by a pixel of the wheel
const WHEEL_PINCH = 0.01; // two fingers on a touchpad, which come as a wheel with Ctrl
const LINE = 33; // pixels of a wheel that counts in lines

export class Gestures {
  constructor(stage) {
    this.stage = stage;
    this.drag = null; // what one pointer does: {kind: draw | move | size | pan, ...}
    this.touches = new Map(); // pointer id -> [x, y] of the screen
    this.pinch = null; // {distance, middle} of two fingers
    this.isPanning = false; // the space bar is held
    const { svg } = stage;
    svg.addEventListener("pointerdown", (event) => this.began(event));
    svg.addEventListener("pointermove", (event) => this.went(event));
    svg.addEventListener("pointerup", (event) => this.ended(event));
    svg.addEventListener("pointercancel", (event) => this.lost(event));
    svg.addEventListener("dblclick", (event) => this.doubled(event));
    svg.addEventListener("wheel", (event) => this.rolled(event), { passive: false });
    svg.addEventListener("auxclick", (event) => event.preventDefault());
  }

  /** While the space bar is held a drag moves what is seen. */
  setPanning(on) {
    this.isPanning = on;
    this.stage.svg.classList.toggle("panning", on);
  }

  began(event) {
    const { stage } = this;
    if (!stage.edit) return;
    if (event.pointerType === "touch") {
      this.touches.set(event.pointerId, [event.clientX, event.clientY]);
      stage.svg.setPointerCapture(event.pointerId);
      if (this.touches.size === 2) this.beginPinch();
      if (this.touches.size >= 2) return;
    }
    if (this.drag || (event.button !== 0 && event.button !== 1)) return;
    event.preventDefault(); // else text is selected, the page scrolled, or the image dragged away
    stage.svg.setPointerCapture(event.pointerId);
    this.drag = this.dragOf(event);
    if (this.drag.kind !== "draw" && !this.drag.isView) stage.changed();
    stage.focus();
  }

  /** What a pointer begins to do where it is put down. */
  dragOf(event) {
    const { stage } = this;
    const slack = event.pointerType === "touch" ? SLACK_TOUCH : SLACK;
    const common = { from: [event.clientX, event.clientY], last: [event.clientX, event.clientY], slack, isFar: false };
    if (event.button === 1 || this.isPanning) return { kind: "pan", isView: true, ...common };
    const at = stage.placeOf(event);
    if (stage.isDrawing) return { kind: "draw", at, ...common };
    const node = event.target.closest("[data-id]");
    stage.edit.select(node ? Number(node.dataset.id) : null);
    if (!node) return { kind: "pan", ...common };
    const edges = (event.target.dataset.edges || "").split(" ").filter((edge) => edge);
    return { kind: edges.length ? "size" : "move", at, edges, box: stage.edit.current.box, ...common };
  }

  went(event) {
    const { stage, drag } = this;
    if (!stage.edit) return;
    if (stage.isDrawing) stage.showCross(stage.placeOf(event));
    if (this.touches.has(event.pointerId)) {
      this.touches.set(event.pointerId, [event.clientX, event.clientY]);
      if (this.pinch) return this.goPinch();
    }
    if (!drag) return;
    if (drag.kind === "draw") return stage.showDraft(drag.at, stage.placeOf(event));
    const moved = Math.hypot(event.clientX - drag.from[0], event.clientY - drag.from[1]);
    if (!drag.isFar && moved < drag.slack) return;
    if (drag.kind === "pan") this.goPan(event);
    else this.goBox(stage.placeOf(event));
    drag.isFar = true;
  }

  goPan(event) {
    const { drag, stage } = this;
    stage.pan(drag.last[0] - event.clientX, drag.last[1] - event.clientY);
    drag.last = [event.clientX, event.clientY];
  }

  goBox([x, y]) {
    const { drag } = this;
    const { edit } = this.stage;
    const [dx, dy] = [x - drag.at[0], y - drag.at[1]];
    if (!drag.isFar) edit.keep();
    const to = drag.kind === "size" ? edit.resized(drag.box, drag.edges, dx, dy) : edit.moved(drag.box, dx, dy);
    edit.place(edit.selected, to);
    this.stage.changed();
  }

  ended(event) {
    this.touches.delete(event.pointerId);
    if (this.pinch) {
      if (!this.touches.size) this.pinch = null; // the finger that is left does nothing more
      return;
    }
    const { drag, stage } = this;
    this.drag = null;
    if (!drag || drag.kind !== "draw") return;
    stage.clearDraft();
    stage.finish(drag.at, stage.placeOf(event));
  }

  lost(event) {
    this.touches.delete(event.pointerId);
    if (!this.touches.size) this.pinch = null;
    this.cancel();
  }

  /** Leaves off what is being dragged; true where there was something. */
  cancel() {
    const { drag, stage } = this;
    this.drag = null;
    stage.clearDraft();
    if (drag && drag.isFar && ["move", "size"].includes(drag.kind)) {
      stage.edit.revert();
      stage.changed();
    }
    return Boolean(drag);
  }

  /** The second finger: what the first began is left off. */
  beginPinch() {
    this.cancel();
    this.pinch = this.pinchNow();
  }

  pinchNow() {
    const [[xa, ya], [xb, yb]] = [...this.touches.values()];
    return { distance: Math.hypot(xb - xa, yb - ya) || 1, middle: [(xa + xb) / 2, (ya + yb) / 2] };
  }

  goPinch() {
    if (this.touches.size < 2) return;
    const { stage } = this;
    const now = this.pinchNow();
    const [clientX, clientY] = now.middle;
    stage.pan(this.pinch.middle[0] - clientX, this.pinch.middle[1] - clientY);
    stage.nearer(now.distance / this.pinch.distance, stage.placeOf({ clientX, clientY }));
    this.pinch = now;
  }

  /** A box that is clicked twice is looked at; twice beside it shows the whole image, or goes nearer from there. */
  doubled(event) {
    const { stage } = this;
    if (!stage.edit || stage.isDrawing) return;
    const node = event.target.closest("[data-id]");
    if (node) stage.around(stage.edit.boxes.find(({ id }) => id === Number(node.dataset.id)));
    else if (stage.view.isNear) stage.fit();
    else stage.nearer(2, stage.placeOf(event));
  }

  rolled(event) {
    const { stage } = this;
    if (!stage.edit) return;
    event.preventDefault();
    const by = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    stage.nearer(Math.exp(-by * (event.ctrlKey ? WHEEL_PINCH : WHEEL)), stage.placeOf(event));
  }
}
