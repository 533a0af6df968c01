// The boxes of one image while they are edited: pixels of the image, each change can be taken back.

const SIDE_MIN = 2; // pixels: what is smaller is a slip of the hand
const STEPS_MAX = 500;
const MIDDLE = 0.2; // of the shorter side of what is seen: a new box where no other tells how large things are
const MIDDLE_MAX = 0.5; // of each side

const rounded = (value) => Math.round(value * 100) / 100;
const within = (value, least, most) => Math.min(Math.max(value, least), most);

/** The labels that a prediction would have if it were right: its detections at or above the operating point. */
function predicted({ detections, score_threshold: threshold, width, height }) {
  const counted = (detections || []).filter(({ score }) => score === null || score >= threshold);
  return counted
    .filter(({ box }) => box.every((edge) => edge !== null))
    .map(({ index, label, score, box: [x1, y1, x2, y2] }) => ({
      label,
      box: [within(x1, 0, width), within(y1, 0, height), within(x2, 0, width), within(y2, 0, height)].map(rounded),
      from: { index, label, score },
    }))
    .filter(({ box: [x1, y1, x2, y2] }) => x1 < x2 && y1 < y2);
}

/** Of two in the middle the smaller one. */
const medianOf = (values) => [...values].sort((one, other) => one - other)[Math.floor((values.length - 1) / 2)];

export class BoxEdit {
  /** `labels` are given where the item was edited before; else they begin as the prediction. */
  constructor(item, labels = null) {
    this.item = item;
    this.width = item.width;
    this.height = item.height;
    this.made = 0;
    this.predicted = predicted(item);
    const begin = labels || (item.labels && item.labels.map(({ label, box }) => ({ label, box }))) || this.predicted;
    this.boxes = begin.map((label) => ({ from: null, ...label, id: this.newId() }));
    this.selected = null;
    this.steps = [];
    this.undone = []; // what was taken back, to be done again
  }

  /** The size of the image, where the item has none; it begins anew, as nothing could be drawn until now. */
  measured(width, height) {
    const isNew = !this.isChanged;
    this.width = width;
    this.height = height;
    this.predicted = predicted({ ...this.item, width, height });
    if (isNew) this.boxes = this.predicted.map((label) => ({ ...label, id: this.newId() }));
  }

  newId() {
    this.made += 1;
    return this.made;
  }

  get current() {
    return this.boxes.find(({ id }) => id === this.selected) || null;
  }

  /** Whether what would be saved is something else than the prediction. */
  get isChanged() {
    const plain = (list) => JSON.stringify(list.map(({ label, box }) => [label, box]));
    return plain(this.boxes) !== plain(this.predicted);
  }

  /** What is saved. */
  labels() {
    return this.boxes.map(({ label, box }) => ({ label, box }));
  }

  numberOf(id) {
    return this.boxes.findIndex((box) => box.id === id) + 1;
  }

  select(id) {
    this.selected = this.boxes.some((box) => box.id === id) ? id : null;
  }

  /** Selects the next box (`by` 1) or the one before (-1), round and round. */
  cycle(by) {
    const n = this.boxes.length;
    if (!n) return;
    const at = this.boxes.findIndex(({ id }) => id === this.selected);
    const next = at < 0 ? (by > 0 ? 0 : n - 1) : (at + by + n) % n;
    this.selected = this.boxes[next].id;
  }

  /** Remembers how it is, to come back to it. Steps with the same `mark` in a row are one: many presses of an arrow. */
  keep(mark = null) {
    const last = this.steps.at(-1);
    if (mark !== null && last && last.mark === mark) return;
    this.steps.push({ boxes: this.boxes, selected: this.selected, mark });
    if (this.steps.length > STEPS_MAX) this.steps.shift();
    this.undone = [];
  }

  /** Takes the last change back; false where there is none. */
  undo() {
    return this.step(this.steps, this.undone);
  }

  /** Makes the last change again that was taken back; false where there is none. */
  redo() {
    return this.step(this.undone, this.steps);
  }

  /** Takes the last change back for good: it was never meant. */
  revert() {
    if (this.undo()) this.undone.pop();
  }

  step(from, to) {
    const step = from.pop();
    if (!step) return false;
    to.push({ boxes: this.boxes, selected: this.selected, mark: null });
    this.boxes = step.boxes;
    this.select(step.selected);
    return true;
  }

  relabel(id, label) {
    const box = this.boxes.find((one) => one.id === id);
    if (!box || box.label === label) return;
    this.keep();
    this.replace(id, { label });
  }

  remove(id) {
    if (!this.boxes.some((box) => box.id === id)) return;
    this.keep();
    const at = this.numberOf(id) - 1;
    this.boxes = this.boxes.filter((box) => box.id !== id);
    const next = this.boxes[at] || this.boxes.at(-1);
    this.selected = next ? next.id : null;
  }

  /** A new box from one corner to another; null where that is no box. */
  add(label, [xa, ya], [xb, yb]) {
    const x = [within(xa, 0, this.width), within(xb, 0, this.width)].map(rounded).sort((a, b) => a - b);
    const y = [within(ya, 0, this.height), within(yb, 0, this.height)].map(rounded).sort((a, b) => a - b);
    if (x[1] - x[0] < SIDE_MIN || y[1] - y[0] < SIDE_MIN) return null;
    this.keep();
    const made = { id: this.newId(), label, box: [x[0], y[0], x[1], y[1]], from: null };
    this.boxes = [...this.boxes, made];
    this.selected = made.id;
    return made;
  }

  /** Two corners of a box in the middle of what is seen of the image (x, y, width, height): as large as the boxes of
   * class `label` mostly are, else as any are. */
  middle([x, y, width, height], label = "") {
    const begin = [Math.max(x, 0), Math.max(y, 0)];
    const seen = [Math.min(x + width, this.width) - begin[0], Math.min(y + height, this.height) - begin[1]];
    const some = this.boxes.length ? this.boxes : this.predicted;
    const alike = some.filter((box) => box.label === label);
    const like = alike.length ? alike : some;
    const half = [0, 1].map((axis) => {
      const sides = like.map(({ box }) => box[axis + 2] - box[axis]);
      const side = sides.length ? medianOf(sides) : MIDDLE * Math.min(...seen);
      return Math.min(side, MIDDLE_MAX * seen[axis]) / 2;
    });
    const centre = begin.map((edge, axis) => edge + seen[axis] / 2);
    return [-1, 1].map((sign) => centre.map((place, axis) => place + sign * half[axis]));
  }

  /** Puts `box` in place of the box `id`; the caller keeps a step. */
  place(id, box) {
    this.replace(id, { box: box.map(rounded) });
  }

  replace(id, changes) {
    this.boxes = this.boxes.map((box) => (box.id === id ? { ...box, ...changes } : box));
  }

  moved([x1, y1, x2, y2], dx, dy) {
    const x = within(dx, -x1, this.width - x2);
    const y = within(dy, -y1, this.height - y2);
    return [x1 + x, y1 + y, x2 + x, y2 + y];
  }

  /** `edges` is some of "left", "top", "right", "bottom"; a box keeps an inside. */
  resized([x1, y1, x2, y2], edges, dx, dy) {
    const box = [x1, y1, x2, y2];
    if (edges.includes("left")) box[0] = within(x1 + dx, 0, Math.max(x2 - SIDE_MIN, 0));
    if (edges.includes("top")) box[1] = within(y1 + dy, 0, Math.max(y2 - SIDE_MIN, 0));
    if (edges.includes("right")) box[2] = within(x2 + dx, Math.min(x1 + SIDE_MIN, this.width), this.width);
    if (edges.includes("bottom")) box[3] = within(y2 + dy, Math.min(y1 + SIDE_MIN, this.height), this.height);
    return box;
  }

  /** Moves the selected box by pixels, or its right lower corner where `sized`. */
  nudge(dx, dy, sized) {
    const box = this.current;
    if (!box) return;
    this.keep(`${sized ? "size" : "move"} ${box.id}`);
    const to = sized ? this.resized(box.box, ["right", "bottom"], dx, dy) : this.moved(box.box, dx, dy);
    this.place(box.id, to);
  }
}
