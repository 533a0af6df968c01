// An image with its boxes as a drawing; without the image, its frame with the boxes in it.

import { drawing } from "../base/dom.js";

const UNKNOWN = 640; // the sides of a frame whose size nobody knows

export const imageOf = (sample, width) =>
  `/api/v1/samples/${encodeURIComponent(sample)}/image${width ? `?width=${width}` : ""}`;

/** [width, height] in which the boxes are: of the image, else what holds them all. */
export function frameOf({ image_width: width, image_height: height, detections }) {
  if (width > 0 && height > 0) return [width, height];
  const inPixels = (detections || []).filter(({ normalised }) => !normalised);
  if (!inPixels.length) return [UNKNOWN, UNKNOWN];
  return [2, 3].map((side) => 1.05 * inPixels.reduce((most, { box }) => Math.max(most, box[side] || 0), 1));
}

/** [left, top, width, height] of a detection in a frame. */
export function placeOf({ box, normalised }, [width, height]) {
  const [x1, y1, x2, y2] = box.map((edge, side) => (edge || 0) * (normalised ? [width, height][side % 2] : 1));
  return [x1, y1, Math.max(x2 - x1, 0), Math.max(y2 - y1, 0)];
}

export function rectOf([x, y, width, height], attributes) {
  return drawing("rect", { x, y, width, height, ...attributes });
}

export function svgOf([width, height], attributes) {
  return drawing("svg", { viewBox: `0 0 ${width} ${height}`, ...attributes });
}

export function imageIn(href, [width, height]) {
  return drawing("image", { href, width, height, preserveAspectRatio: "none" });
}
