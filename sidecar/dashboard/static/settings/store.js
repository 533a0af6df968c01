// The store: what takes how much of what it may, how long it is kept, and what the disk has left.

import { byId, drawing, element, setText } from "../base/dom.js";
import { bytes, count, milliseconds, part, plural } from "../base/format.js";

export function showStore(store) {
  showUse(store);
  const list = byId("store");
  const pairs = pairsOf(store);
  const mark = JSON.stringify(pairs);
  if (list.dataset.mark === mark) return;
  list.dataset.mark = mark;
  list.replaceChildren(...pairs.map(pairOf));
}

export function pairOf([term, value, kind]) {
  const pair = element("div");
  pair.append(element("dt", term), element("dd", value, kind || ""));
  return pair;
}

function pairsOf(store) {
  const { images_bytes, kept_bytes, set_aside_bytes, disk_free_bytes, predictions_written, commit_failures } = store;
  const failed = Object.entries(commit_failures);
  return [
    ["State", store.ok ? "takes writes" : `not ok: ${store.reason || "unknown"}`, store.ok ? "" : "bad"],
    ["Images", images_bytes ? `${bytes(images_bytes)}${kept_bytes ? `, of which ${bytes(kept_bytes)} stay (labeled, or in a version)` : ""}` : "none"],
    ["Database", bytes(store.bytes)],
    ["Kept for", `${plural(store.age_days, "day", "days")}${store.bytes_max ? `, less where that would be over ${bytes(store.bytes_max)}` : ""}`],
    ["Free on the disk", disk_free_bytes ? bytes(disk_free_bytes) : "not known"],
    ["Recorded", `${plural(predictions_written, "prediction", "predictions")} since the start`],
    ["Time to write", predictions_written ? `${milliseconds((1000 * store.commit_seconds) / predictions_written)} for each` : "–"],
    ...(failed.length ? [["Refused commits", failed.map(([why, n]) => `${count(n)} ${why}`).join(", "), "bad"]] : []),
    ...(set_aside_bytes ? [["Damaged stores", `${bytes(set_aside_bytes)} set aside: ${store.set_aside.join(", ") || "of earlier runs"}`, "warn"]] : []),
  ];
}

function showUse({ used_bytes, bytes_max, images_bytes, kept_bytes }) {
  const place = byId("store-use");
  if (!place.firstChild) {
    const text = element("p", "", "use");
    const picture = drawing("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true", class: "use" });
    picture.append(drawing("rect", { width: 100, height: 6, class: "rest" }), ...["database", "images", "stays"].map((name) => drawing("rect", { height: 6, class: name })));
    const key = element("p", undefined, "key quiet");
    for (const [name, text] of [["stays", "images that stay"], ["images", "other images"], ["database", "database"]]) {
      const swatch = drawing("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" });
      swatch.append(drawing("rect", { width: 10, height: 10, class: name }));
      const one = element("span");
      one.append(swatch, ` ${text}`);
      key.append(one);
    }
    place.append(text, picture, key);
  }
  const full = bytes_max ? used_bytes / bytes_max : 0;
  setText(place.firstChild, bytes_max ? `${bytes(used_bytes)} of ${bytes(bytes_max)} used (${part(full)})` : `${bytes(used_bytes)} used`);
  const width = (value) => (bytes_max ? Math.min(100, (100 * value) / bytes_max) : 0);
  const [, database, images, stays] = place.querySelector("svg.use").children;
  database.setAttribute("width", width(used_bytes));
  images.setAttribute("width", width(images_bytes));
  stays.setAttribute("width", width(kept_bytes));
}
