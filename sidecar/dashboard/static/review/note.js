// What is said to a reviewer beside the boxes: one sentence at a time, in the way or by the way.

import { setText, showText } from "../base/dom.js";

const PASSES_MS = 6000;

export class Note {
  /** `note` is an element for what is by the way, `fault` for what stands in the way. */
  constructor(note, fault) {
    this.note = note;
    this.fault = fault;
    this.passing = null; // the timer of what goes by itself
  }

  say(text) {
    this.put(text, "");
  }

  refuse(text) {
    this.put("", text);
  }

  /** Says what was done, or is begun: it goes after a while, or by `pass`. */
  briefly(text) {
    this.put(text, "");
    this.passing = setTimeout(() => this.pass(), PASSES_MS);
  }

  /** Something else is done: what was said briefly is over. */
  pass() {
    if (this.passing !== null) this.put("", "");
  }

  put(note, fault) {
    clearTimeout(this.passing);
    this.passing = null;
    setText(this.note, note);
    showText(this.fault, fault);
  }
}
