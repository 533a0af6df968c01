// One test of versions in the list: how it stands, and what it came to so far. Its name leads to its page.

import { get } from "../base/api.js";
import { badge, element, showText, stamp } from "../base/dom.js";
import { moment } from "../base/format.js";
import {
  apiOf,
  hasEnded,
  KINDS,
  modelText,
  pageOf,
  splitText,
  statusBadge,
  verdictOf,
  versionsText,
} from "./words.js";

export class TrialLine {
  constructor(test) {
    this.results = null;
    this.readAt = 0;
    this.node = element("article", undefined, "trial line");
    this.head = element("div", undefined, "title");
    this.link = element("a", "", "name");
    this.link.href = pageOf(test);
    this.tags = element("span", undefined, "tags");
    this.verdict = element("span", undefined, "verdict");
    this.what = element("p", undefined, "what quiet");
    this.sentence = element("p", "", "sentence");
    this.node.append(this.head, this.verdict, this.what, this.sentence);
  }

  isDue(everyMs) {
    return !(this.results && this.results.frozen) && Date.now() - this.readAt >= everyMs;
  }

  async load() {
    this.results = await get(`${apiOf(this.test)}/results`);
    this.readAt = Date.now();
    this.show(this.test);
  }

  show(test) {
    this.test = test;
    const verdict = verdictOf(test, this.results);
    const ended = hasEnded(test);
    showText(this.sentence, ended || !this.results ? "" : this.results.sentence);
    const mark = JSON.stringify([test.name, test.status, test.ended_at, splitText(test), verdict, versionsText(test)]);
    if (this.mark === mark) return;
    this.mark = mark;
    this.link.textContent = test.name;
    this.tags.replaceChildren(element("span", KINDS[test.kind].tag, "tag"), element("span", modelText(test), "tag"));
    this.head.replaceChildren(statusBadge(test), this.link, this.tags);
    const when = element("span");
    const [word, at] = ended ? ["ended", test.ended_at] : ["since", test.created_at];
    when.append(`${word} `, stamp(at, moment(at)));
    const parts = [versionsText(test), splitText(test)].filter((text) => text).map((text) => element("span", text));
    this.what.replaceChildren(...parts, when);
    this.verdict.replaceChildren(...(verdict ? [badge(verdict.text, verdict.sign, verdict.kind)] : []));
  }
}
