// How light an image is shown, where it is too dark or too pale to be judged: for looking only, and the boxes over it stay
// as they are.

import { drawing } from "../base/dom.js";

// What becomes of each colour, 0 to 1: its power `exponent`, or `slope` of it and `intercept`.
const LIGHTS = [
  { name: "as it is" },
  { name: "brighter", type: "gamma", exponent: 0.6 },
  { name: "much brighter", type: "gamma", exponent: 0.36 },
  { name: "more contrast", type: "linear", slope: 1.9, intercept: -0.45 },
  { name: "darker", type: "gamma", exponent: 1.8 },
];
const nameOf = (place) => `reviewing-light-${place}`;

export class Light {
  constructor(svg, image) {
    this.image = image;
    this.place = 0;
    const filters = drawing("defs", {});
    for (const [place, light] of LIGHTS.entries()) if (place) filters.append(filterOf(place, light));
    svg.prepend(filters);
  }

  get name() {
    return LIGHTS[this.place].name;
  }

  get isOn() {
    return this.place > 0;
  }

  /** The next step, after the last one as it is. */
  step() {
    this.set((this.place + 1) % LIGHTS.length);
  }

  reset() {
    this.set(0);
  }

  set(place) {
    this.place = place;
    if (place) this.image.setAttribute("filter", `url(#${nameOf(place)})`);
    else this.image.removeAttribute("filter");
  }
}

function filterOf(place, { name: _, ...how }) {
  const whole = { x: "0", y: "0", width: "1", height: "1" };
  const filter = drawing("filter", { id: nameOf(place), ...whole, "color-interpolation-filters": "sRGB" });
  const transfer = drawing("feComponentTransfer", {});
  for (const colour of ["R", "G", "B"]) transfer.append(drawing(`feFunc${colour}`, how));
  filter.append(transfer);
  return filter;
}
