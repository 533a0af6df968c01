// What part of an image is on the screen: how near, and where. Pixels of the image and of the screen; no page in here.

const NEAR = 8; // how many times nearer than the whole image at least
const PIXEL_MAX = 24; // pixels of the screen for one of the image, where that is nearer
const MARGIN = 40; // pixels of the screen that may be seen beyond an edge of the image
const AROUND = 0.55; // how much of the screen a box takes that is looked at

const within = (value, least, most) => Math.min(Math.max(value, least), most);

export class View {
  constructor() {
    this.image = [0, 0];
    this.screen = [0, 0];
    this.fit();
  }

  /** The whole image. */
  fit() {
    this.zoom = 1;
    this.centre = [this.image[0] / 2, this.image[1] / 2];
  }

  ofImage(width, height) {
    this.image = [width, height];
    this.fit();
  }

  ofScreen(width, height) {
    this.screen = [width, height];
    this.settle();
  }

  /** Pixels of the screen for one of the image, where the whole image is seen. */
  get whole() {
    const [width, height] = this.image;
    return width > 0 && height > 0 ? Math.min(this.screen[0] / width, this.screen[1] / height) || 1 : 1;
  }

  /** Pixels of the screen for one of the image. */
  get scale() {
    return this.whole * this.zoom;
  }

  get zoomMax() {
    return Math.max(NEAR, PIXEL_MAX / this.whole);
  }

  get isNear() {
    return this.zoom > 1;
  }

  /** What is seen as x, y, width, height in pixels of the image; all of it, and the space beside is the drawing's. */
  get seen() {
    if (!this.isNear) return [0, 0, ...this.image];
    const [width, height] = this.screen.map((side) => side / this.scale);
    return [this.centre[0] - width / 2, this.centre[1] - height / 2, width, height];
  }

  /** Nearer by `factor` (farther under 1); `at` of the image stays where it is on the screen. */
  nearer(factor, at = this.centre) {
    const before = this.scale;
    this.zoom = within(this.zoom * factor, 1, this.zoomMax);
    if (this.zoom < 1.001) this.zoom = 1;
    const ratio = before / this.scale;
    this.centre = this.centre.map((middle, axis) => at[axis] + (middle - at[axis]) * ratio);
    this.settle();
  }

  /** Moves what is seen by pixels of the image. */
  pan(dx, dy) {
    this.centre = [this.centre[0] + dx, this.centre[1] + dy];
    this.settle();
  }

  /** As near as a box is well seen, with what is around it. */
  around([x1, y1, x2, y2]) {
    const [width, height] = this.screen;
    const wanted = AROUND * Math.min(width / Math.max(x2 - x1, 1), height / Math.max(y2 - y1, 1));
    this.zoom = within(wanted / this.whole, 1, this.zoomMax);
    this.centre = [(x1 + x2) / 2, (y1 + y2) / 2];
    this.settle();
  }

  /** Keeps the image on the screen: in the middle where there is room, else up to a margin beyond its edges. */
  settle() {
    const { scale } = this;
    this.centre = this.centre.map((middle, axis) => {
      const side = this.image[axis];
      const half = this.screen[axis] / scale / 2;
      if (!this.isNear || 2 * half >= side) return side / 2;
      const margin = MARGIN / scale;
      return within(middle, half - margin, side - half + margin);
    });
  }
}
