// The last predictions, and the images kept for review with their boxes.

import { get, Refused } from "./api.js";
import { arrange, byId, drawing, element, stamp } from "./dom.js";
import { clock, milliseconds, named } from "./format.js";

const seen = new Map(); // prediction id -> its document, for the links of samples
const SEEN_MAX = 200;

export function showPredictions(items) {
  arrange(byId("predictions"), items, { key: (item) => item.prediction_id, make: predictionRow });
  byId("predictions-table").hidden = items.length === 0;
  byId("predictions-empty").hidden = items.length > 0;
  for (const item of items) remember(item.prediction_id, item);
}

/** Images with the boxes that are kept with them: the prediction may be gone. */
export async function showSamples(samples) {
  const list = byId("samples");
  byId("samples-empty").hidden = samples.length > 0;
  const shown = new Set([...list.children].map((child) => child.dataset.key));
  const fresh = samples.filter((sample) => !shown.has(keyOf(sample)));
  const facts = new Map(await Promise.all(fresh.map(async (sample) => [sample.sample_id, await factsOf(sample)])));
  arrange(list, samples, {
    key: keyOf,
    make: (sample) => sampleFigure(sample, ...facts.get(sample.sample_id)),
  });
}

/** An image of the audit is shown anew once it is reviewed: more is told of it then. */
const keyOf = ({ sample_id: id, reasons }) => `${id} ${reasons}`;

/** [what is known of it as an item, its prediction where both versions' answers are worth a look]. */
function factsOf(sample) {
  const item = get(`/api/v1/items/${encodeURIComponent(sample.sample_id)}`).catch(noneIfGone);
  return Promise.all([item, sample.reasons.includes("disagreement") ? predictionOf(sample) : null]);
}

function predictionRow(prediction) {
  const row = element("tr");
  const time = element("td");
  time.append(stamp(prediction.at, clock(prediction.at)));
  const id = element("td");
  const link = element("a");
  link.href = `/api/v1/predictions/${encodeURIComponent(prediction.prediction_id)}`;
  link.append(element("code", prediction.prediction_id));
  id.append(link);
  const model = element("td", named(prediction.model, prediction.version), "long");
  model.title = model.textContent;
  const failed = prediction.status >= 500 || prediction.error !== "";
  row.append(
    time,
    id,
    model,
    element("td", prediction.role),
    element("td", prediction.status === 0 ? "left" : String(prediction.status), failed ? "number bad" : "number"),
    element("td", milliseconds(prediction.latency_ms), "number"),
    element("td", outcome(prediction)),
  );
  return row;
}

function outcome(prediction) {
  if (prediction.error) return prediction.error;
  if (prediction.undecodable) return `unreadable: ${prediction.undecodable}`;
  if (prediction.detections === null) return "–";
  const found = new Map();
  for (const { label, confidence } of prediction.detections) {
    if (confidence !== null && confidence < prediction.score_threshold) continue;
    found.set(label, (found.get(label) || 0) + 1);
  }
  if (!found.size) return "none";
  const names = [...found].map(([label, n]) => (n > 1 ? `${n} × ${label}` : label));
  return names.length > 6 ? `${names.slice(0, 6).join(", ")}, …` : names.join(", ");
}

function remember(id, prediction) {
  seen.set(id, prediction);
  if (seen.size > SEEN_MAX) seen.delete(seen.keys().next().value);
}

async function predictionOf(sample) {
  if (!seen.has(sample.prediction_id)) {
    const path = `/api/v1/predictions/${encodeURIComponent(sample.prediction_id)}`;
    remember(sample.prediction_id, await get(path).catch(noneIfGone));
  }
  return seen.get(sample.prediction_id);
}

/** Either may be deleted before the sample is: then the image stands without boxes, or without links. */
function noneIfGone(error) {
  if (error instanceof Refused && error.status === 404) return null;
  throw error;
}

function sampleFigure(sample, item, prediction) {
  const figureElement = element("figure", undefined, "sample");
  figureElement.dataset.key = keyOf(sample);
  const width = sample.width || 640;
  const height = sample.height || 480;
  const address = `/api/v1/samples/${encodeURIComponent(sample.sample_id)}/image`;
  const picture = drawing("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  const title = drawing("title", {});
  title.textContent = `Sample ${sample.sample_id}`;
  picture.append(title, drawing("image", { href: address, width, height, preserveAspectRatio: "xMidYMid meet" }));
  for (const detection of (item && item.detections) || []) {
    if (detection.score === null || detection.score >= item.score_threshold) picture.append(boxOf(detection));
  }
  const link = element("a", undefined, "frame");
  link.href = address;
  link.append(picture);
  const caption = element("figcaption");
  // Who answered an image of the audit is nobody's business before it is reviewed: until then it has no reasons here.
  const isHidden = item && item.queue === "audit" && !sample.reasons.length;
  const who = isHidden ? "for the audit" : named(sample.model, sample.version);
  caption.append(
    element("div", sample.reasons.join(", ").replaceAll("_", " ")),
    element("div", `${who}, ${clock(sample.at)}`, "quiet"),
  );
  if (prediction) caption.append(bothOf(prediction));
  figureElement.append(link, caption);
  return figureElement;
}

/** Links to both predictions of an image that was copied: the copy's request id ends in -shadow. */
function bothOf({ prediction_id: id, request_id: request }) {
  const line = element("div", "Predictions: ", "quiet");
  const copy = id.startsWith(request) ? `${request}-shadow${id.slice(request.length)}` : `${id}-shadow`;
  const links = [["serving", id], ["shadow", copy]].map(([text, target]) => {
    const link = element("a", text);
    link.href = `/api/v1/predictions/${encodeURIComponent(target)}`;
    return link;
  });
  line.append(links[0], ", ", links[1]);
  return line;
}

function boxOf({ label, score, box }) {
  const [x1, y1, x2, y2] = box.map((edge) => edge || 0);
  const rect = drawing("rect", { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0) });
  const title = drawing("title", {});
  title.textContent = score === null ? label : `${label} ${score.toFixed(2)}`;
  rect.append(title);
  return rect;
}
