// The images kept last, with their boxes.

import { get, Refused } from "../base/api.js";
import { arrange, byId, element } from "../base/dom.js";
import { moment, named } from "../base/format.js";
import { pictureOf, reviewOf } from "./thumb.js";

const seen = new Map(); // prediction id -> its document, for the links of samples
const SEEN_MAX = 200;

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
  const figureElement = element("figure", undefined, "thumb");
  figureElement.dataset.key = keyOf(sample);
  const size = { id: sample.sample_id, width: sample.width || 640, height: sample.height || 480 };
  const seen = ((item && item.detections) || []).filter(
    ({ score }) => score === null || score >= item.score_threshold,
  );
  const link = element("a", undefined, "frame");
  link.href = item ? reviewOf(item) : `/api/v1/samples/${encodeURIComponent(sample.sample_id)}/image`;
  link.setAttribute("aria-label", `Sample ${sample.sample_id}`);
  link.append(pictureOf(size, seen));
  const caption = element("figcaption");
  // Who answered an image of the audit is nobody's business before it is reviewed: until then it has no reasons here.
  const isHidden = item && item.queue === "audit" && !sample.reasons.length;
  const who = isHidden ? "for the audit" : named(sample.model, sample.version);
  caption.append(
    element("span", sample.reasons.join(", ").replaceAll("_", " "), "what"),
    element("span", `${who}, ${moment(sample.at)}`, "quiet small"),
  );
  if (prediction) caption.append(bothOf(prediction));
  figureElement.append(link, caption);
  return figureElement;
}

/** Links to both predictions of an image that was copied: the copy's request id ends in -shadow. */
function bothOf({ prediction_id: id, request_id: request }) {
  const line = element("span", "Predictions: ", "quiet small");
  const copy = id.startsWith(request) ? `${request}-shadow${id.slice(request.length)}` : `${id}-shadow`;
  const links = [["serving", id], ["shadow", copy]].map(([text, target]) => {
    const link = element("a", text);
    link.href = `/predictions/${encodeURIComponent(target)}`;
    return link;
  });
  line.append(links[0], ", ", links[1]);
  return line;
}
