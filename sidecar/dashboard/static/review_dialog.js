// One image at a time, as large as the screen: every verdict has a key, and boxes are made right on the image.

import { LoggedOut, Refused } from "./api.js";
import { BoxEdit } from "./box_edit.js";
import { BoxList, showClasses } from "./box_list.js";
import { byId, element, setText, showLines, showText } from "./dom.js";
import { openForm } from "./form_dialog.js";
import { pressed } from "./review_keys.js";
import { DONE, factsOf, nothingText, progressOf, QUEUES } from "./review_words.js";
import { isLost, reasonOf, Sitting } from "./sitting.js";
import { Stage } from "./stage.js";

const GONE = "The image can't be shown: its file is gone or broken. R rejects it, J skips it.";

export class ReviewDialog {
  /** `closed()` follows when the sitting is over. */
  constructor(closed) {
    this.dialog = byId("reviewing");
    this.closed = closed;
    this.sitting = null;
    this.edit = null;
    this.busy = false;
    this.stuck = ""; // why there is no next image, where that is not that none is left
    this.classes = new Set();
    this.stage = new Stage(byId("reviewing-image"), {
      changed: () => this.show(),
      drawn: (box) => this.drew(box),
      loaded: (state) => this.imageIs(state),
    });
    this.list = new BoxList(byId("reviewing-boxes"), {
      select: (id, andGo) => this.select(id, andGo),
      relabel: (id, label) => this.relabel(id, label),
      left: () => this.stage.focus(),
    });
    this.verbs = [
      this.verb("C", "Correct", () => this.confirm()),
      this.verb("S", "Save labels", () => this.save()),
      this.verb("W", "Wrong label", () => this.retype()),
      this.verb("D", "Remove box", () => this.remove(), true),
      this.verb("N", "New box", () => this.draw()),
      this.verb("U", "Undo", () => this.undo()),
      this.verb("R", "Reject", () => this.reject()),
      this.verb("J", "Skip", () => this.skip()),
    ];
    byId("reviewing-verbs").append(...this.verbs.map(({ button }) => button));
    byId("reviewing-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("keydown", (event) => pressed(event, this));
    this.dialog.addEventListener("cancel", (event) => event.preventDefault()); // Escape has meanings of its own
    this.dialog.addEventListener("close", () => this.leave());
    addEventListener("pagehide", () => this.sitting && this.sitting.leave());
  }

  verb(key, text, act, repeats = false) {
    const button = element("button");
    button.type = "button";
    button.setAttribute("aria-keyshortcuts", key);
    button.append(element("span", text), element("kbd", key));
    button.addEventListener("click", act);
    return { key, act, repeats, button };
  }

  /** Begins a sitting at a queue of `dataset`; throws what claiming the first item throws. */
  async begin(dataset, queue, by) {
    const sitting = new Sitting(dataset.id, queue, by);
    sitting.dataset = dataset;
    await sitting.next();
    this.sitting = sitting;
    this.classes = new Set(Object.keys(dataset.classes));
    setText(byId("reviewing-of"), `${dataset.name}, ${QUEUES[queue]}`);
    this.say("");
    this.dialog.showModal();
    this.showItem();
  }

  leave() {
    this.sitting.leave();
    this.sitting = null;
    this.edit = null;
    this.stage.show(null, null);
    this.closed();
  }

  showItem() {
    const { item, labels, queue, reviewed } = this.sitting;
    this.list.clear();
    this.hasWarned = false;
    if (item) this.stuck = "";
    this.edit = item && new BoxEdit(item, labels);
    this.stage.show(item, this.edit);
    showText(byId("reviewing-nothing"), item ? "" : nothingText(reviewed, this.stuck));
    showLines(byId("reviewing-facts"), item ? factsOf(item, queue) : []);
    this.learn(((item && item.detections) || []).map(({ label }) => label));
    this.show();
    if (item) this.stage.focus();
    else this.dialog.focus();
    this.lookAhead();
  }

  /** What comes next is only a courtesy: where it can't be read now, it is read when it is there. */
  async lookAhead() {
    const { sitting } = this;
    await sitting.lookAhead().catch(() => {});
    if (this.sitting !== sitting) return;
    this.learn(Object.keys(sitting.dataset.classes));
    setText(byId("reviewing-progress"), progressOf(sitting));
  }

  learn(names) {
    for (const name of names) this.classes.add(name);
    showClasses([...this.classes].sort());
  }

  /** Shows the boxes as they are now. */
  show() {
    const { edit } = this;
    const n = edit ? edit.boxes.length : 0;
    setText(byId("reviewing-progress"), progressOf(this.sitting));
    showText(byId("reviewing-empty"), !edit || n ? "" : "No box: saved like this, there is nothing in the image.");
    setText(byId("reviewing-count"), edit ? `${n}${edit.isChanged ? ", changed" : ""}` : "");
    const main = edit && edit.isChanged ? "S" : "C"; // what Enter does
    for (const { key, button } of this.verbs) {
      button.disabled = !this.isOffered(key);
      button.classList.toggle("main", key === main);
    }
    if (!edit) return;
    this.stage.render();
    this.list.show(edit);
    this.sitting.renew();
  }

  isOffered(key) {
    const { edit, sitting } = this;
    if (key === "U") return Boolean((edit && edit.steps.length) || sitting.done.length);
    if (!edit) return false;
    if (["C", "S"].includes(key) && this.stage.state === "gone") return false;
    if (key === "C") return !edit.isChanged;
    return ["W", "D"].includes(key) ? edit.boxes.length > 0 : true;
  }

  say(text) {
    showText(byId("reviewing-fault"), "");
    setText(byId("reviewing-note"), text);
  }

  refuse(text) {
    showText(byId("reviewing-fault"), text);
    setText(byId("reviewing-note"), "");
  }

  imageIs(state) {
    if (state === "gone") this.refuse(GONE);
    this.show(); // its size may be known only now
  }

  select(id, andGo = false) {
    if (!this.edit) return;
    this.edit.select(id);
    this.show();
    if (andGo) this.stage.focus();
  }

  relabel(id, label) {
    if (!this.edit) return;
    this.edit.relabel(id, label);
    this.stage.label = label;
    this.learn([label]);
    this.show();
  }

  /** Does the work, and shows what is under the hands then; what is wrong is said where it is wrong. */
  async act(work) {
    if (this.busy || !this.sitting) return;
    const { sitting } = this;
    this.busy = true;
    this.dialog.setAttribute("aria-busy", "true");
    try {
      await work(sitting);
      if (this.sitting === sitting) this.showItem();
      else sitting.leave(); // it was closed meanwhile
    } catch (error) {
      if (error instanceof LoggedOut) location.assign("/login");
      else if (this.sitting === sitting) await this.failed(error);
    } finally {
      this.busy = false;
      this.dialog.removeAttribute("aria-busy");
    }
  }

  async failed(error) {
    if (this.sitting.item === null) {
      this.stuck = reasonOf(error);
      this.showItem();
    } else if (isLost(error)) {
      await this.goOn(reasonOf(error));
    } else if (error instanceof Refused && error.faults.length) {
      const rest = this.list.take(error.faults, this.edit).map(({ field, message }) => `${field}: ${message}`);
      this.refuse(["Not saved.", rest.join("; ") || "What is wrong is said at the box."].join(" "));
    } else this.refuse(`Not saved: ${error.message}. Your boxes are still here; try again.`);
  }

  /** The item is another's by now, or reviewed: that is said, and the next one shown. */
  async goOn(reason) {
    await this.sitting.next().catch((error) => {
      this.stuck = reasonOf(error);
    });
    this.showItem();
    this.refuse(`Not saved: ${reason}. ${this.edit ? "Here is the next one." : ""}`);
  }

  tryAgain() {
    if (this.stuck) this.act((sitting) => sitting.next());
  }

  /** The labels with what they were predicted as, to be shown again after an undo. */
  get kept() {
    if (!this.edit || !this.edit.isChanged) return null;
    return this.edit.boxes.map(({ label, box, from }) => ({ label, box, from }));
  }

  decide(verb, document) {
    if (!this.edit) return;
    if (this.stage.state === "loading") {
      this.say("The image is still loading.");
      return;
    }
    if (this.stage.state === "gone") {
      this.refuse(GONE); // what nobody can see is no label
      return;
    }
    const { kept } = this;
    this.act(async (sitting) => {
      const decided = await sitting.decide(verb, document, kept);
      this.say(decided ? `${DONE[verb]}. U takes it back.` : "");
      await sitting.next();
    });
  }

  confirm() {
    if (this.edit && this.edit.isChanged) this.refuse("You changed boxes: S saves them, U takes the changes back.");
    else this.decide("confirm", {});
  }

  save() {
    if (this.edit) this.decide("label", { labels: this.edit.labels() });
  }

  async reject() {
    const { kept, sitting } = this;
    if (!this.edit || this.busy) return;
    let lost = null;
    let isLeft = false;
    const goOn = () => {
      if (lost) return this.act(() => Promise.reject(lost));
      this.say(`${DONE.reject}. U takes it back.`);
      return this.act((at) => at.next());
    };
    const reject = async (document) => {
      const decided = await sitting.decide("reject", document, kept).catch((error) => {
        if (!isLost(error)) throw error;
        lost = error;
        return error;
      });
      if (decided && isLeft && this.sitting === sitting) goOn(); // the form went away before the answer came
      return decided;
    };
    const done = await openForm({
      title: "Reject the image?",
      note: "For images from which nothing can be learnt: broken, blurred, private. U takes it back.",
      button: "Reject it",
      fields: [{ name: "reason", label: "Why (may be empty)" }],
      send: reject,
    });
    isLeft = !done;
    if (done) goOn();
    else this.stage.focus();
  }

  skip() {
    if (!this.edit) return;
    const { kept } = this;
    this.act(async (sitting) => {
      sitting.skip(kept);
      this.say("Skipped; it goes back to the queue when you close. U shows it again.");
      await sitting.next();
    });
  }

  /** Takes back the last change of a box; where there is none, what was last decided. */
  undo() {
    if (this.edit && this.edit.undo()) {
      this.show();
      this.stage.focus();
      return;
    }
    const { kept } = this;
    this.act(async (sitting) => {
      try {
        const entry = await sitting.undo(kept);
        this.say(entry ? `Taken back: ${DONE[entry.verb].toLowerCase()}.` : "There is nothing to take back.");
      } catch (error) {
        if (!isLost(error)) throw error;
        this.refuse(`That can't be taken back: ${reasonOf(error)}.`);
        if (!sitting.item) await sitting.next();
      }
    });
  }

  remove() {
    if (!this.edit) return;
    if (this.edit.current) this.edit.remove(this.edit.selected);
    else this.edit.cycle(1);
    this.show();
    this.stage.focus();
  }

  retype() {
    if (!this.edit || !this.edit.boxes.length) return;
    if (!this.edit.current) this.edit.cycle(1);
    this.show();
    this.list.type(this.edit.selected);
  }

  draw() {
    if (!this.edit) return;
    this.stage.setDrawing(!this.stage.isDrawing);
    this.say(this.stage.isDrawing ? "Drag a box over the object, or press Enter for one in the middle." : "");
    this.stage.svg.focus({ preventScroll: true });
  }

  drew(box) {
    this.say(box ? "" : "That was too small for a box.");
    if (box) this.list.type(box.id);
  }
}
