// One image at a time, as large as the screen: every verdict has a key, and boxes are made right on the image.

import { LoggedOut, Refused, toLogin } from "../base/api.js";
import { bar, byId, setText, showLines, showText } from "../base/dom.js";
import { BoxEdit } from "./box_edit.js";
import { BoxList, showClasses } from "./box_list.js";
import { Classes } from "./classes.js";
import { pressed, released } from "./keys.js";
import { showNumbers } from "./numbers.js";
import { Note } from "./note.js";
import { isLost, reasonOf, Sitting } from "./sitting.js";
import { Stage } from "./stage.js";
import { GONE, isOffered, makeVerbs } from "./verbs.js";
import { factsOf, nothingText, progressOf, QUEUES, shareOf } from "./words.js";

const NEARER = 1.25;
const HABIT_MS = 1000; // after a number key in a field, in which Enter is pressed by habit

export class ReviewDialog {
  /** `closed(isSingle)` follows when the sitting is over; `isSingle`: it was of one image, opened by its address. */
  constructor(closed) {
    this.dialog = byId("reviewing");
    this.closed = closed;
    this.sitting = null;
    this.edit = null;
    this.busy = false;
    this.stuck = ""; // why there is no next image, where that is not that none is left
    this.isAsking = false; // which box is meant
    this.entersFrom = 0; // when Enter means something again
    this.note = new Note(byId("reviewing-note"), byId("reviewing-fault"));
    this.classes = new Classes();
    this.stage = new Stage(byId("reviewing-image"), {
      changed: () => this.show(),
      drawn: (box, isNamed) => this.drew(box, isNamed),
      loaded: (state) => this.imageIs(state),
      zoomed: () => this.showZoom(),
    });
    this.list = new BoxList(byId("reviewing-boxes"), {
      select: (id, andGo) => this.select(id, andGo),
      relabel: (id, label) => this.relabel(id, label),
      left: (isNumbered) => {
        this.note.pass();
        if (isNumbered) this.entersFrom = performance.now() + HABIT_MS;
        this.stage.focus();
      },
      numbered: (key) => this.classes.at(key),
    });
    this.verbs = makeVerbs(this);
    for (const { kind, button } of this.verbs) byId(`reviewing-${kind}s`).append(button);
    this.listen();
  }

  listen() {
    byId("reviewing-close").addEventListener("click", () => this.close());
    byId("reviewing-help").addEventListener("click", () => this.help());
    byId("reviewing-nearer").addEventListener("click", () => this.stage.nearer(NEARER));
    byId("reviewing-farther").addEventListener("click", () => this.stage.nearer(1 / NEARER));
    byId("reviewing-whole").addEventListener("click", () => this.stage.fit());
    byId("reviewing-light").addEventListener("click", () => this.lighten());
    byId("reviewing-keys-close").addEventListener("click", () => byId("reviewing-keys").close());
    this.dialog.addEventListener("keydown", (event) => pressed(event, this));
    this.dialog.addEventListener("keyup", (event) => released(event, this));
    this.dialog.addEventListener("cancel", (event) => event.preventDefault()); // Escape has meanings of its own
    this.dialog.addEventListener("close", () => this.leave());
    addEventListener("blur", () => this.stage.gestures.setPanning(false));
    addEventListener("pagehide", () => this.sitting && this.sitting.leave());
    addEventListener("beforeunload", (event) => {
      if (this.sitting && this.sitting.isOwing) event.preventDefault(); // what was decided is not saved yet
    });
  }

  /** Begins a sitting at a queue of `dataset`, or at one item of it; throws what claiming that throws. */
  async begin(dataset, queue, by, itemId = null) {
    const sitting = new Sitting(dataset, queue, by, {
      failed: (entry, error) => this.notSaved(sitting, entry, error),
      sends: (n) => this.dialog.toggleAttribute("data-sending", n > 0),
    });
    await (itemId === null ? sitting.next() : sitting.open(itemId));
    this.sitting = sitting;
    this.classes = new Classes(dataset.classes);
    this.stage.classes = this.classes;
    this.list.classes = this.classes;
    this.stage.label = "";
    this.lighten(true);
    setText(byId("reviewing-of"), `${dataset.name}, ${QUEUES[queue]}`);
    this.say("");
    this.dialog.showModal();
    this.showItem();
    this.offerClasses();
  }

  /** Keys for what is predicted on other images of the dataset too; a courtesy, as counts are. */
  async offerClasses() {
    const { sitting } = this;
    const names = await sitting.predictedClasses().catch(() => []);
    if (this.sitting !== sitting) return;
    this.learn(names);
    this.show();
  }

  /** Closes once all that was decided is saved; what was not taken comes again, and it stays open. */
  async close() {
    const { sitting } = this;
    if (!sitting) return;
    await sitting.settled();
    if (this.sitting !== sitting) return;
    if (!sitting.isOwing || this.hasWarned) this.dialog.close();
    this.hasWarned = true;
  }

  leave() {
    const { isSingle } = this.sitting;
    this.sitting.leave();
    this.sitting = null;
    this.edit = null;
    this.stage.show(null, null);
    this.closed(isSingle);
  }

  showItem() {
    const { item, labels, faults, queue } = this.sitting;
    this.list.clear();
    this.hasWarned = false;
    this.isReboxing = null;
    this.ask(false);
    if (item) this.stuck = "";
    this.edit = item && new BoxEdit(item, labels);
    this.learn(((item && item.detections) || []).map(({ label }) => label));
    this.stage.show(item, this.edit);
    showText(byId("reviewing-nothing"), item ? "" : nothingText(this.sitting, this.stuck));
    showLines(byId("reviewing-facts"), item ? factsOf(item, queue) : []);
    this.show();
    if (item) this.stage.focus();
    else this.dialog.focus();
    if (faults.length && this.edit) this.tell(faults);
    this.sitting.reserve();
    this.count();
  }

  /** Counts are only a courtesy: where they can't be read now, they are read later. */
  async count() {
    const { sitting } = this;
    const isNew = await sitting.count().catch(() => false);
    if (!isNew || this.sitting !== sitting) return;
    this.learn(Object.keys(sitting.dataset.classes));
    this.showProgress();
  }

  learn(names) {
    this.classes.learn(names);
    showClasses(this.classes.sorted);
    byId("reviewing-whole").setAttribute("aria-keyshortcuts", this.classes.at("0") ? "Home" : "0 Home");
  }

  showProgress() {
    setText(byId("reviewing-progress"), progressOf(this.sitting));
    byId("reviewing-share").replaceChildren(bar(shareOf(this.sitting)));
  }

  showZoom() {
    setText(byId("reviewing-zoom"), `${Math.round(this.stage.view.zoom * 100)} %`);
  }

  /** Shows the boxes as they are now. */
  show() {
    const { edit } = this;
    const n = edit ? edit.boxes.length : 0;
    this.showProgress();
    showText(byId("reviewing-empty"), !edit || n ? "" : "No box: saved like this, there is nothing in the image.");
    setText(byId("reviewing-count"), edit ? `${n}${edit.isChanged ? ", changed" : ""}` : "");
    const main = edit && edit.isChanged ? "S" : "C"; // what Enter does
    for (const { key, button } of this.verbs) {
      button.disabled = !isOffered(key, this);
      button.classList.toggle("main", key === main);
    }
    showNumbers(this, (key) => this.number(key));
    if (!edit) return;
    this.stage.render();
    this.list.show(edit);
    this.sitting.renew();
  }

  /** Uses the verb of a key; false where it has none. */
  press(key, isRepeat = false) {
    const other = { "?": () => this.help(), V: () => this.lighten(), "⇧V": () => this.lighten(true) }[key];
    if (other) {
      if (!isRepeat) other();
      return true;
    }
    const verb = this.verbs.find((one) => one.key === key);
    // A key that is held down must not decide image after image.
    if (verb && (!isRepeat || verb.repeats)) verb.act();
    return Boolean(verb);
  }

  help() {
    byId("reviewing-keys").showModal();
  }

  say(text) {
    this.note.say(text);
  }

  refuse(text) {
    this.note.refuse(text);
  }

  /** Asks which box is meant, or no longer: while it does, they bear their numbers. */
  ask(on) {
    if (on === this.isAsking) return;
    this.isAsking = on;
    this.stage.setNumbered(on);
    if (!on) this.say("");
    if (this.edit) this.stage.render();
  }

  /** Shows the image lighter or darker, a step on, or as it is. It stays so for the next ones. */
  lighten(asItIs = false) {
    const { light } = this.stage;
    if (asItIs) light.reset();
    else light.step();
    setText(byId("reviewing-light").lastChild, light.name);
    byId("reviewing-light").classList.toggle("on", light.isOn);
    this.note.briefly(`The image is shown ${light.name}.${light.isOn ? " ⇧V shows it as it is." : ""}`);
  }

  sayDrawing() {
    const { isDrawing, label } = this.stage;
    const what = label ? `the ${label}` : "the object";
    this.say(isDrawing ? `Drag a box over ${what}, or press Enter for one in the middle.` : "");
  }

  imageIs(state) {
    if (state === "gone") this.refuse(GONE);
    this.show(); // its size may be known only now
  }

  select(id, andGo = false) {
    if (!this.edit) return;
    this.edit.select(id);
    this.ask(false);
    this.show();
    if (andGo) this.stage.focus();
  }

  relabel(id, label) {
    if (!this.edit) return;
    this.learn([label]);
    this.edit.relabel(id, label);
    this.stage.label = label;
    this.show();
  }

  /** A number key: of a box, where it is asked which one is meant, else of a class. */
  digit(key) {
    if (!this.isAsking) return this.number(key);
    const box = this.edit.boxes[Number(key) - 1];
    if (!box) return this.say(`There is no box ${key}: they are 1 to ${this.edit.boxes.length}.`);
    this.edit.select(box.id);
    this.press("W");
  }

  /** The class of a number key: for the selected box, else for one that is drawn next. */
  number(key) {
    const { edit, stage } = this;
    const label = this.classes.at(key);
    if (!edit || label === undefined) return;
    this.note.pass();
    this.ask(false);
    if (edit.current && !stage.isDrawing) {
      this.relabel(edit.selected, label);
      stage.focus();
      return;
    }
    stage.setDrawing(true, label);
    this.sayDrawing();
    this.show();
    stage.svg.focus({ preventScroll: true });
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
      if (error instanceof LoggedOut) toLogin();
      else if (this.sitting === sitting) await this.wentWrong(error);
    } finally {
      this.busy = false;
      this.dialog.removeAttribute("aria-busy");
    }
  }

  async wentWrong(error) {
    if (this.sitting.item === null) {
      this.stuck = reasonOf(error);
      this.showItem();
    } else if (isLost(error)) {
      await this.lost(reasonOf(error));
    } else if (error instanceof Refused && error.faults.length) this.tell(error.faults);
    else this.refuse(`Not saved: ${error.message}. Your boxes are still here; try again.`);
  }

  /** What is wrong with labels, each at its box. */
  tell(faults) {
    const rest = this.list.take(faults, this.edit).map(({ field, message }) => `${field}: ${message}`);
    this.refuse(["Not saved.", rest.join("; ") || "What is wrong is said at the box."].join(" "));
  }

  /** The item is another's by now, or reviewed: that is said, and the next one shown. */
  async lost(reason) {
    await this.sitting.next().catch((error) => {
      this.stuck = reasonOf(error);
    });
    this.showItem();
    this.refuse(`Not saved: ${reason}. ${this.edit ? "Here is the next one." : ""}`);
  }

  /** A decision that was sent while the next image was looked at was not taken: its image comes again, with its boxes. */
  notSaved(sitting, entry, error) {
    if (error instanceof LoggedOut) return toLogin();
    if (isLost(error)) {
      if (this.sitting !== sitting) return;
      this.showProgress();
      return this.refuse(`Not saved: ${reasonOf(error)}. ${this.edit ? "Here is the next one." : ""}`);
    }
    sitting.putOff(entry, error.faults || []);
    if (this.sitting !== sitting) return;
    const isFree = !sitting.item && !this.busy;
    const how = isFree ? "Here it is again; try again" : "It comes again after this one; U shows it now";
    const text = `The last image is not saved: ${reasonOf(error)}. ${how}.`;
    if (isFree) this.act((at) => at.next()).then(() => this.refuse(text));
    else this.show();
    this.refuse(text);
  }

  /** Enter where nothing is under the hands: tries again, or goes on from one item with the queue. */
  goOn() {
    if (!this.stuck && !this.sitting.isSingle) return;
    this.sitting.isSingle = false;
    this.act((sitting) => sitting.next());
  }

  /** The labels with what they were predicted as, to be shown again after an undo. */
  get kept() {
    if (!this.edit || !this.edit.isChanged) return null;
    return this.edit.boxes.map(({ label, box, from }) => ({ label, box, from }));
  }

  drew(box, isNamed) {
    this.say(box ? "" : "That was too small for a box.");
    if (!box) return;
    if (isNamed) this.stage.focus();
    else this.list.type(box.id);
  }
}
