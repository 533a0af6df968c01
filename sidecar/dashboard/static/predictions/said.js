// What people said of a prediction, and a form to say something.

import { LoggedOut, NoAnswer, post, Refused, toLogin } from "../base/api.js";
import { arrange, byId, element, setText, stamp } from "../base/dom.js";
import { openForm } from "../base/form_dialog.js";
import { moment } from "../base/format.js";
import { askName, keepName } from "../base/name.js";
import { refreshNow } from "../base/page.js";
import { score } from "./words.js";

const FEEDBACK = "/api/v1/feedback";
const SHOWN = 100;
const TYPES = {
  correct: "correct",
  wrong_label: "wrong label",
  wrong_box: "wrong box",
  false_positive: "false positive: nothing is there",
  missed_object: "missed object",
};
const WRONG = Object.keys(TYPES).filter((type) => type !== "correct");
const CHOICES = 300; // detections to choose from
const NUMBER = /^-?\d+(\.\d+)?$/;
const BELOW = "(max-width: 980px)"; // where the form stands below the image, as prediction.css has it

export async function showSaid(ask, id) {
  const { items, next } = await ask(`${FEEDBACK}?${new URLSearchParams({ prediction_id: id, limit: SHOWN })}`);
  arrange(byId("said"), items, {
    key: (item) => item.id,
    stamp: (item) => item.status,
    make: () => element("li"),
    fill: fillLine,
  });
  setText(byId("said-count"), items.length ? `${items.length}${next === null ? "" : "+"}` : "");
  const empty = byId("said-empty");
  empty.hidden = items.length > 0;
  setText(empty, "Nobody has said anything of it yet.");
}

function fillLine(node, item) {
  const what = element("span", TYPES[item.feedback_type], item.status === "replaced" ? "what replaced" : "what");
  const about = aboutOf(item);
  const who = element("span", undefined, "quiet");
  const how = item.status === "recorded" ? "" : `, ${item.status}`;
  who.append(item.by || "somebody", ", ", stamp(item.at, moment(item.at)), how);
  const parts = [what];
  if (about) parts.push(element("span", about));
  if (item.note) parts.push(element("q", item.note));
  node.replaceChildren(...parts, who);
}

/** Of which detection it is, and what would be right. */
function aboutOf({ detection_index: place, label, score: sure, correct_class: right, correct_box: box }) {
  const of = place === null ? "" : `detection ${place}${label === null ? "" : ` (${label} ${score(sure)})`}`;
  const rather = [right, box && `box ${box.map((edge) => Math.round(edge)).join(", ")}`].filter(Boolean).join(", ");
  return [of, rather && (of ? `rather ${rather}` : rather)].filter(Boolean).join(", ");
}

/** `found()` gives the prediction on the page, `chosen()` the place of the detection that was looked at, or null;
 * `meant(place)` follows the one that is said to be wrong, null where there is none or the form is closed. */
export function startSaying(found, chosen, meant) {
  byId("say-correct").addEventListener("click", () => sayCorrect(found()));
  byId("say").addEventListener("click", () => sayWrong(found(), chosen(), meant));
}

/** Takes a detection for the one that is meant, where the form asks for it; false where it is not open, or can't be
 * chosen there. */
export function answerWith(place) {
  const field = document.querySelector("#form-dialog.beside[open] [data-name=detection_index]");
  if (!field || ![...field.options].some(({ value }) => value === String(place))) return false;
  field.value = String(place);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return true;
}

async function sayCorrect(found) {
  if (!found) return;
  const by = await askName();
  if (!by) return;
  const button = byId("say-correct");
  button.disabled = true;
  try {
    told(await post(FEEDBACK, { prediction_id: found.prediction_id, feedback_type: "correct", by }), by);
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else if (error instanceof Refused || error instanceof NoAnswer) setText(byId("say-note"), error.message);
    else throw error;
  } finally {
    button.disabled = false;
  }
}

async function sayWrong(found, chosen, meant) {
  if (!found) return;
  const by = await askName();
  if (!by || byId("form-dialog").open) return; // its button stays at hand beside it
  const detections = (found.detections || []).slice(0, CHOICES);
  const names = [...new Set(detections.map(({ label }) => label))].sort();
  const [first] = detections;
  const asked = openForm({
    title: "What is wrong",
    note: "It counts as what users say, beside reviews of the random sample.",
    button: "Say it",
    beside: true,
    changed: (values) => meant(placeOf(values)),
    fields: [
      {
        name: "feedback_type",
        label: "What it is",
        kind: "choice",
        value: first ? "wrong_label" : "missed_object",
        options: WRONG.map((value) => ({ value, text: TYPES[value] })),
      },
      {
        name: "detection_index",
        label: "Which detection",
        kind: "choice",
        value: chosen === null ? "" : String(chosen),
        options: [{ value: "", text: "the whole prediction" }, ...detections.map(choiceOf)],
        note: "A click on its box chooses it. Not for a missed object.",
      },
      {
        name: "correct_class",
        label: "What class is right",
        options: names,
        picks: true,
        note: "Not for a false positive.",
      },
      {
        name: "correct_box",
        label: "What box is right",
        note: "x1, y1, x2, y2 in pixels of the image; may be left out.",
        more: true,
      },
      { name: "note", label: "Note", kind: "lines" },
    ],
    send: (values) => post(FEEDBACK, bodyOf(found.prediction_id, by, checked(values))),
  });
  byId("stages").scrollIntoView({ block: matchMedia(BELOW).matches ? "start" : "nearest" });
  const answer = await asked;
  meant(null);
  if (answer) told(answer, by);
}

/** The place of the detection that a form is about, or null. */
function placeOf({ feedback_type: type, detection_index: place }) {
  return place === "" || type === "missed_object" ? null : Number(place);
}

function choiceOf({ label, confidence }, place) {
  return { value: String(place), text: `${place}: ${label} ${score(confidence)}` };
}

/** A wrong label without the right one teaches nothing. */
function checked(values) {
  if (values.feedback_type !== "wrong_label" || values.correct_class) return values;
  const message = "say which class is right";
  throw new Refused(422, `correct_class: ${message}`, [{ field: "correct_class", message }]);
}

function bodyOf(id, by, values) {
  const { feedback_type: type, correct_class: right, correct_box: box, note } = values;
  const body = { prediction_id: id, feedback_type: type, by, note };
  const place = placeOf(values);
  if (place !== null) body.detection_index = place;
  if (right) body.correct_class = right;
  if (box) body.correct_box = edgesOf(box);
  return body;
}

function edgesOf(text) {
  const parts = text.split(/[\s,;]+/).filter(Boolean);
  if (parts.length === 4 && parts.every((part) => NUMBER.test(part))) return parts.map(Number);
  const message = "must be four numbers: x1, y1, x2, y2";
  throw new Refused(422, `correct_box: ${message}`, [{ field: "correct_box", message }]);
}

function told({ status }, by) {
  keepName(by);
  setText(byId("say-note"), status === "pending" ? "Taken; its prediction is not recorded yet." : "Taken, thank you.");
  refreshNow();
}
