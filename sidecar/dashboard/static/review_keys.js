// What the keys do while an image is reviewed.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FAR = 10; // pixels that an arrow with Shift goes
const ALIASES = { Delete: "D", Backspace: "D" };

/** Calls what `review` (a ReviewDialog) does for the key of `event`. */
export function pressed(event, review) {
  const { key } = event;
  if (event.target.matches("input")) return;
  if (event.ctrlKey || event.metaKey || event.altKey) {
    if (key in ARROWS && !event.metaKey) arrow(event, review, true);
  } else if (key === "Escape") {
    event.preventDefault();
    escape(review);
  } else if (key === "Tab") tab(event, review);
  else if (key in ARROWS) arrow(event, review, false);
  else if (key === "Enter") enter(event, review);
  else letter(event, review);
}

function letter(event, review) {
  const key = ALIASES[event.key] || event.key.toUpperCase();
  const verb = review.verbs.find((one) => one.key === key);
  if (!verb) return;
  event.preventDefault();
  // A key that is held down must not decide image after image.
  if (!event.repeat || verb.repeats) verb.act();
}

/** Enter says that what is on the screen is right: as it was predicted, or as it was made. */
function enter(event, review) {
  if (event.target.matches("button")) return;
  event.preventDefault();
  if (event.repeat) return;
  if (review.stage.isDrawing) review.stage.drawInMiddle();
  else if (!review.edit) review.tryAgain();
  else if (review.edit.isChanged) review.save();
  else review.confirm();
}

/** From the image Tab goes round the boxes; Escape leads out of them. */
function tab(event, review) {
  const { edit, stage } = review;
  if (!edit || !edit.boxes.length || !stage.svg.contains(document.activeElement)) return;
  event.preventDefault();
  edit.cycle(event.shiftKey ? -1 : 1);
  review.show();
  stage.focus();
}

/** Arrows move the selected box, with Ctrl or Alt its corner; without one the right arrow goes on to the next image. */
function arrow(event, review, sized) {
  const { edit } = review;
  if (!edit) return;
  if (!edit.current) {
    if (event.key === "ArrowRight" && !sized && !event.repeat) review.skip();
    return;
  }
  event.preventDefault();
  const by = event.shiftKey ? FAR : 1;
  const [dx, dy] = ARROWS[event.key];
  edit.nudge(dx * by, dy * by, sized);
  review.show();
}

/** One step out: of a box being drawn, of the boxes, of the review. */
function escape(review) {
  const { edit } = review;
  if (review.stage.cancel()) review.say("");
  else if (edit && edit.current) {
    edit.select(null);
    review.show();
    review.verbs.find(({ button }) => !button.disabled).button.focus();
  } else if (edit && edit.steps.length && !review.hasWarned) {
    review.hasWarned = true;
    review.refuse("What you changed here is not saved: S saves it, Escape again leaves it.");
  } else review.dialog.close();
}
