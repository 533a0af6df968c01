// What a reviewer can say of an image and do to its boxes: each is a button with its key.

import { element } from "../base/dom.js";
import { openForm } from "../base/form_dialog.js";
import { isLost, reasonOf } from "./sitting.js";
import { DONE, SHOWN } from "./words.js";

export const GONE = "The image can't be shown: its file is gone or broken. R rejects it, J skips it.";

/** {key, text, act, kind, repeats}: those of the first kind are the verdicts. `repeats`: also while the key is held. */
const VERBS = [
  { key: "C", text: "Correct", kind: "verdict", act: confirm },
  { key: "W", text: "Wrong label", kind: "verdict", act: retype },
  { key: "B", text: "Wrong box", kind: "verdict", act: rebox },
  { key: "D", text: "False positive", kind: "verdict", act: remove, repeats: true },
  { key: "N", text: "Missed object", kind: "verdict", act: draw },
  { key: "S", text: "Save labels", kind: "verdict", act: save },
  { key: "J", text: "Skip", kind: "way", act: skip },
  { key: "R", text: "Reject", kind: "way", act: reject },
  { key: "U", text: "Undo", kind: "way", act: undo },
  { key: "⇧Z", text: "Redo", kind: "way", act: redo },
  { key: "F", text: "Fit the box", kind: "view", act: fit },
  { key: "L", text: "Show less", kind: "view", act: showLess },
];
const SHORTCUTS = { "⇧Z": "Shift+Z" };

/** The verbs of `review`, with their buttons. */
export function makeVerbs(review) {
  return VERBS.map(({ key, text, kind, act, repeats = false }) => {
    const button = element("button");
    button.type = "button";
    button.setAttribute("aria-keyshortcuts", SHORTCUTS[key] || key);
    button.append(element("span", text), element("kbd", key));
    const use = () => {
      review.note.pass();
      if (key !== "W") review.ask(false);
      act(review);
    };
    button.addEventListener("click", use);
    return { key, kind, repeats, button, act: use };
  });
}

/** Whether a verb can be used now. */
export function isOffered(key, { edit, sitting, stage }) {
  if (key === "U") return Boolean((edit && edit.steps.length) || sitting.done.length || sitting.off.some(isFailed));
  if (!edit) return false;
  if (key === "⇧Z") return edit.undone.length > 0;
  if (["C", "S"].includes(key) && stage.state === "gone") return false;
  if (key === "C") return !edit.isChanged;
  return ["W", "B", "D"].includes(key) ? edit.boxes.length > 0 : true;
}

const isFailed = (off) => off.isFailed;

/** Whether what is on the screen can be judged; why not is said. */
function canJudge(review) {
  const { state } = review.stage;
  if (state === "loading") review.say("The image is still loading.");
  if (state === "gone") review.refuse(GONE); // what nobody can see is no label
  return state === "shown";
}

function decide(review, verb, document) {
  if (!review.edit || !canJudge(review)) return;
  const { kept } = review;
  review.act(async (sitting) => {
    review.note.briefly(`${DONE[verb]}. U takes it back.`);
    await sitting.decideMeanwhile(verb, document, kept);
    await sitting.next();
  });
}

function confirm(review) {
  if (review.edit && review.edit.isChanged) review.refuse("You changed boxes: S saves them, U takes the changes back.");
  else decide(review, "confirm", {});
}

/** What is known to be wrong is said without asking the sidecar. */
function save(review) {
  const { edit } = review;
  if (!edit) return;
  const nameless = edit.boxes.flatMap(({ label }, place) => (label ? [] : [`labels.${place}.label`]));
  if (nameless.length) review.tell(nameless.map((field) => ({ field, message: "must not be empty" })));
  else decide(review, "label", { labels: edit.labels() });
}

async function reject(review) {
  const { kept, sitting, edit } = review;
  if (!edit || review.busy) return;
  let lost = null;
  let isLeft = false;
  const goOn = () => {
    if (lost) return review.act(() => Promise.reject(lost));
    review.note.briefly(`${DONE.reject}. U takes it back.`);
    return review.act((at) => at.next());
  };
  const send = async (document) => {
    const decided = await sitting.decide("reject", document, kept).catch((error) => {
      if (!isLost(error)) throw error;
      lost = error;
      return error;
    });
    if (decided && isLeft && review.sitting === sitting) goOn(); // the form went away before the answer came
    return decided;
  };
  const done = await openForm({
    title: "Reject the image?",
    note: "For images from which nothing can be learnt: broken, blurred, private. U takes it back.",
    button: "Reject it",
    fields: [{ name: "reason", label: "Why (may be empty)" }],
    send,
  });
  isLeft = !done;
  if (done) goOn();
  else review.stage.focus();
}

function skip(review) {
  if (!review.edit) return;
  const { kept } = review;
  review.act(async (sitting) => {
    sitting.skip(kept);
    review.note.briefly("Skipped; it goes back to the queue when you close. U shows it again.");
    await sitting.next();
  });
}

/** Takes back the last change of a box; where there is none, what was last decided. */
function undo(review) {
  if (review.edit && review.edit.undo()) {
    review.show();
    review.stage.focus();
    return;
  }
  const { kept } = review;
  review.act(async (sitting) => {
    try {
      const entry = await sitting.undo(kept);
      if (!entry) review.say("There is nothing to take back.");
      else if (entry.isFailed) review.say("Here is the image that was not saved.");
      else review.say(`Taken back: ${DONE[entry.verb].toLowerCase()}.`);
    } catch (error) {
      if (!isLost(error)) throw error;
      review.refuse(`That can't be taken back: ${reasonOf(error)}.`);
      if (!sitting.item) await sitting.next();
    }
  });
}

function redo(review) {
  if (!review.edit || !review.edit.redo()) return;
  review.show();
  review.stage.focus();
}

function remove(review) {
  if (!review.edit || !review.edit.boxes.length) return;
  if (review.edit.current) {
    review.edit.remove(review.edit.selected);
    review.note.briefly("Removed as a false positive. U brings it back.");
  } else {
    review.edit.cycle(1);
    review.say("Which box is the false positive? Tab goes to the next, D removes it.");
  }
  review.show();
  review.stage.focus();
}

/** Of the chosen box, or the only one; else it asks which one is meant. */
function retype(review) {
  const { edit, list, stage } = review;
  if (!edit || !edit.boxes.length) return;
  if (edit.boxes.length === 1) edit.cycle(1);
  review.ask(!edit.current);
  review.show();
  if (edit.current) {
    const { label } = edit.current;
    const which = `Box ${edit.numberOf(edit.selected)}, ${label || "no class yet"}`;
    review.note.briefly(`${which}: press the number of the right class, or type its name, then Enter.`);
    list.type(edit.selected);
  } else {
    review.say("Which box has the wrong label? Press its number, or choose it by Tab or a click and press W again.");
    stage.focus();
  }
}

/** Chooses a box to put right, and pressed again the next one. */
function rebox(review) {
  const { edit } = review;
  if (!edit || !edit.boxes.length) return;
  if (!edit.current || review.isReboxing === edit.selected) edit.cycle(1);
  review.isReboxing = edit.selected;
  review.say("Arrows move the box, with Ctrl or Alt its lower right corner, with Shift by 10. Or drag it by its edges.");
  review.show();
  review.stage.focus();
}

function draw(review) {
  if (!review.edit) return;
  review.stage.setDrawing(!review.stage.isDrawing);
  review.sayDrawing();
  review.stage.svg.focus({ preventScroll: true });
}

function fit({ edit, stage }) {
  if (!edit) return;
  if (stage.view.isNear && !edit.current) stage.fit();
  else stage.around(edit.current || edit.boxes[0]);
  stage.focus();
}

function showLess(review) {
  if (review.edit) review.say(SHOWN[review.stage.showLess()]);
}
