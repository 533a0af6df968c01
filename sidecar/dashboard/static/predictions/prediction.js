// One prediction: what it saw in its image, where its time went, and what was said of it.

import { Refused } from "../base/api.js";
import { byId, setText, showText } from "../base/dom.js";
import { explain, isTaken } from "../base/keys.js";
import { runPage } from "../base/page.js";
import { Classes } from "../review/classes.js";
import { Detections } from "./detections.js";
import { relatedLink, showFacts, showLinks, showTags, showTiming } from "./facts.js";
import { remember, remembered } from "./remembered.js";
import { answerWith, showSaid, startSaying } from "./said.js";
import { Stages } from "./stages.js";
import { pageOf } from "./words.js";

const REFRESH_MS = 10000;
const GONE = 404;
const SHADOW = "shadow";
const id = decodeURIComponent(location.pathname.split("/").pop());
const path = `/api/v1/predictions/${encodeURIComponent(id)}`;
const classes = new Classes();
let found = null;
let meant = null; // the place of the detection that is being said to be wrong
let other = null; // the other version's answer to the same image
let stages;
let detections;

/** Makes a detection stand out; null: none but the one that is meant. */
function light(place) {
  stages.light(place ?? meant);
  detections.light(place ?? meant);
}

function draw() {
  detections.show(found, classes);
  stages.show(found, other, classes, detections.from);
}

async function showPrediction(ask) {
  try {
    found = await ask(path);
  } catch (error) {
    if (!(error instanceof Refused && error.status === GONE)) throw error;
    byId("prediction").hidden = true;
    const empty = byId("prediction-empty");
    setText(empty, "No prediction has this id. It may be older than what is kept, or not be recorded yet.");
    empty.hidden = false;
    return;
  }
  const related = (await ask(`${path}/related`)).items;
  const twin = related.find((one) => one.image_index === found.image_index && !isSameSide(one));
  if (twin && !other) other = await ask(`/api/v1/predictions/${encodeURIComponent(twin.prediction_id)}`);
  for (const { label } of [...(found.detections || []), ...((other && other.detections) || [])]) classes.colour(label);
  setText(byId("prediction-title"), `Prediction ${found.prediction_id}`);
  document.title = `Prediction ${found.prediction_id} – Inference sidecar`;
  showTags(found);
  showTiming(found);
  showFacts(found);
  showLinks(await linksOf(ask, related, twin));
  byId("prediction").hidden = false;
  byId("prediction-empty").hidden = true;
  draw();
}

const isSameSide = (one) => (one.role === SHADOW) === (found.role === SHADOW);

async function linksOf(ask, related, twin) {
  const links = [];
  if (found.sample_id) {
    const { dataset_id: dataset, status } = await ask(`/api/v1/samples/${encodeURIComponent(found.sample_id)}`);
    const text = status === "needs_review" || status === "in_review" ? "Review its image" : `Its image is ${status}`;
    if (dataset) links.push([text, `/review?${new URLSearchParams({ dataset, item: found.sample_id })}`]);
  }
  if (twin) links.push(relatedLink(twin, twin.role === SHADOW ? "The shadow's answer" : "The serving answer"));
  for (const one of related) {
    const step = one.image_index - found.image_index;
    if (isSameSide(one) && step === -1) links.push(relatedLink(one, "Image before it in the request"));
    if (isSameSide(one) && step === 1) links.push(relatedLink(one, "Next image of the request"));
  }
  return [...links, ["JSON", path]];
}

/** The rows beside this one in the list that one came from. */
function startNeighbours() {
  const list = remembered();
  const at = list ? list.ids.indexOf(id) : -1;
  const isFrom = at >= 0 && list.opened === id;
  if (isFrom) byId("back").href = `/predictions${list.search}`;
  const leave = (event) => {
    if (!isFrom || history.length < 2) return;
    event.preventDefault();
    history.back(); // to where the list was scrolled
  };
  byId("back").addEventListener("click", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) leave(event);
  });
  const goTo = (step) => {
    const next = isFrom ? list.ids[at + step] : undefined;
    if (next === undefined) return;
    remember({ ...list, opened: next });
    location.replace(pageOf(next)); // so that Back leads to the list, not through all that was looked at
  };
  for (const [name, step] of [["newer", -1], ["older", 1]]) {
    const link = byId(name);
    const next = isFrom ? list.ids[at + step] : undefined;
    link.hidden = next === undefined;
    if (next === undefined) continue;
    link.href = pageOf(next);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      goTo(step);
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isTaken(event)) return;
    if (event.key === "Escape") byId("back").click();
    else if (event.key === "j") goTo(1);
    else if (event.key === "k") goTo(-1);
  });
  explain([
    ["J", "the row below in the list"],
    ["K", "the row above"],
    ["Escape", "back to the list"],
  ]);
}

function start() {
  stages = new Stages(byId("stages"), { lit: light, chosen: (place) => answerWith(place) || detections.focus(place) });
  detections = new Detections({ looked: draw, lit: light });
  startNeighbours();
  startSaying(() => found, () => detections.chosen, (place) => {
    meant = place;
    light(null);
  });
}

runPage({
  start,
  sections: { prediction: showPrediction, said: (ask) => showSaid(ask, found ? found.prediction_id : id) },
  everyMs: REFRESH_MS,
});
