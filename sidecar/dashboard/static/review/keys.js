// What the keys do while an image is reviewed; the template has them in words.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FAR = 10; // pixels that an arrow with Shift goes
const PAN = 60; // pixels of the screen that an arrow moves what is seen
const NEARER = 1.25;
const ALIASES = { Delete: "D", Backspace: "D", z: "U", Z: "⇧Z", V: "⇧V" };

/** Calls what `review` (a ReviewDialog) does for the key of `event`. */
export function pressed(event, review) {
  const { key } = event;
  if (event.target.matches("input")) return;
  if (event.ctrlKey || event.metaKey || event.altKey) chord(event, review);
  else if (key === "Escape") {
    event.preventDefault();
    escape(review);
  } else if (key === "Tab") tab(event, review);
  else if (key === " ") space(event, review);
  else if (key in ARROWS) arrow(event, review, false);
  else if (key === "Enter") enter(event, review);
  else if (!zoom(event, review)) letter(event, review);
}

/** A space bar that is let go. */
export function released(event, review) {
  if (event.key === " ") review.stage.gestures.setPanning(false);
}

function chord(event, review) {
  const key = event.key.toUpperCase();
  if (event.key in ARROWS) {
    if (!event.metaKey) arrow(event, review, true);
  } else if (!event.altKey && (key === "Z" || key === "Y")) {
    event.preventDefault();
    review.press(key === "Y" || event.shiftKey ? "⇧Z" : "U");
  }
}

function letter(event, review) {
  const { key } = event;
  if (/^[0-9]$/.test(key)) {
    event.preventDefault();
    if (!event.repeat) review.digit(key);
    return;
  }
  const name = ALIASES[key] || key.toUpperCase();
  if (review.press(name, event.repeat)) event.preventDefault();
}

/** What changes how the image is seen; true where it was that. */
function zoom(event, { stage, classes }) {
  const { key } = event;
  if (key === "+" || key === "=") stage.nearer(NEARER);
  else if (key === "-") stage.nearer(1 / NEARER);
  else if (key === "Home" || (key === "0" && !classes.at("0"))) stage.fit();
  else return false;
  event.preventDefault();
  return true;
}

/** While the space bar is held a drag moves what is seen. */
function space(event, { stage }) {
  if (event.target.matches("button")) return;
  event.preventDefault();
  stage.gestures.setPanning(true);
}

/** Enter says that what is on the screen is right: as it was predicted, or as it was made. */
function enter(event, review) {
  if (event.target.matches("button")) return;
  event.preventDefault();
  if (event.repeat || performance.now() < review.entersFrom) return;
  if (review.stage.isDrawing) review.stage.drawInMiddle();
  else if (review.isAsking) review.press("W");
  else if (!review.edit) review.goOn();
  else review.press(review.edit.isChanged ? "S" : "C");
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

/** Arrows move the selected box, with Ctrl or Alt its corner; without one what is seen, where that is not all; else the
 * right arrow goes on to the next image. */
function arrow(event, review, sized) {
  const { edit, stage } = review;
  if (!edit) return;
  const [dx, dy] = ARROWS[event.key];
  if (edit.current) {
    event.preventDefault();
    const by = event.shiftKey ? FAR : 1;
    edit.nudge(dx * by, dy * by, sized);
    review.show();
  } else if (stage.view.isNear) {
    event.preventDefault();
    stage.pan(dx * PAN, dy * PAN);
  } else if (event.key === "ArrowRight" && !sized && !event.repeat) review.press("J");
}

/** One step out: of a box being drawn, of the boxes, of a near view, of the review. */
function escape(review) {
  const { edit, stage } = review;
  if (stage.cancel()) review.say("");
  else if (review.isAsking) review.ask(false);
  else if (edit && edit.current) {
    edit.select(null);
    review.show();
    review.verbs.find(({ button }) => !button.disabled).button.focus();
  } else if (edit && stage.view.isNear) stage.fit();
  else if (edit && edit.steps.length && !review.hasWarned) {
    review.hasWarned = true;
    review.refuse("What you changed here is not saved: S saves it, Escape again leaves it.");
  } else review.close();
}
