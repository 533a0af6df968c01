// One test of versions on its page: what it came to in a sentence and what can be done (`node`), all that was found
// (`found`).

import { get, Refused } from "../base/api.js";
import { arrange, badge, element, setText, showLines, showText, stamp } from "../base/dom.js";
import { moment } from "../base/format.js";
import { abParts } from "./ab_results.js";
import { TrialActions } from "./actions.js";
import { OverTime } from "./over_time.js";
import { settingsPart } from "./settings.js";
import { shadowParts } from "./shadow_results.js";
import { timelinePart } from "./timeline.js";
import {
  apiOf,
  factsOf,
  hasEnded,
  KINDS,
  modelText,
  splitText,
  statusBadge,
  verdictOf,
  versionsText,
} from "./words.js";

/** `title` is the page's heading, `changed(test)` is called with the test as it is after an action. */
export class TrialView {
  constructor(test, title, changed) {
    this.address = apiOf(test);
    this.title = title;
    this.results = null;
    this.node = element("article", undefined, "trial");
    this.head = element("p", undefined, "title");
    this.what = element("p", undefined, "what quiet");
    this.sentence = element("p", "", "sentence");
    this.fault = element("p", "", "refused");
    this.facts = element("ul", undefined, "facts");
    this.warnings = element("ul", undefined, "warnings");
    this.actions = new TrialActions(this.address, title, changed);
    this.found = element("article", undefined, "trial found");
    this.parts = element("div", undefined, "parts");
    this.found.append(this.parts);
    this.overTime = new OverTime(test);
    this.node.append(
      ...[this.head, this.what, this.sentence, this.fault, this.facts, this.warnings, this.actions.node],
    );
    showText(this.fault, "");
  }

  /** Reads the results, and what they came from; what the sidecar refuses is said where it would stand. */
  async load() {
    if (this.results && this.results.frozen) return;
    try {
      this.results = await get(`${this.address}/results`);
      showText(this.fault, "");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      showText(this.fault, `The results could not be read just now: ${error.message}`);
    }
  }

  show(test, samples) {
    const { results } = this;
    this.test = test;
    setText(this.title, test.name);
    this.showHead();
    showText(this.sentence, results ? results.sentence : "Reading the results…");
    this.sentence.hidden = !results && !this.fault.hidden;
    showLines(this.facts, factsOf(test));
    showLines(this.warnings, test.warnings.map((text) => ({ text, kind: "warn" })));
    this.actions.show(test, results);
    const ended = hasEnded(test);
    const partsOf = () => (test.kind === "ab_test" ? abParts(results, ended) : shadowParts(results, samples));
    const found = results ? partsOf() : [];
    const before = test.kind === "ab_test" ? "variants" : "differences";
    const after = found.findIndex(({ name }) => name === before);
    if (results) found.splice(after + 1, 0, this.overTime.part(test, results));
    arrange(this.parts, [...found, timelinePart(test), settingsPart(test)], {
      key: (one) => one.name,
      stamp: (one) => JSON.stringify(one.data),
      make: (one) => one.make(),
      fill: (node, one) => one.fill(node, one.data),
    });
  }

  showHead() {
    const { test } = this;
    const verdict = verdictOf(test, this.results);
    const mark = JSON.stringify([test.status, test.ended_at, splitText(test), verdict, versionsText(test)]);
    if (this.mark === mark) return;
    this.mark = mark;
    this.head.replaceChildren(
      statusBadge(test),
      ...(verdict ? [badge(verdict.text, verdict.sign, verdict.kind)] : []),
      element("span", KINDS[test.kind].tag, "tag"),
      element("span", modelText(test), "tag"),
    );
    const when = element("span");
    when.append("since ", stamp(test.created_at, moment(test.created_at)));
    const parts = [versionsText(test), splitText(test)].filter((text) => text).map((text) => element("span", text));
    this.what.replaceChildren(...parts, when);
  }
}
