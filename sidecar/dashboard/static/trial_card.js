// One test of versions: a line that says how it stands, and what it has found once it is opened.

import { get, Refused } from "./api.js";
import { abParts, sentenceOf } from "./ab_results.js";
import { arrange, badge, element, showLines, showText, stamp } from "./dom.js";
import { duration, moment, part, percent } from "./format.js";
import { shadowParts } from "./shadow_results.js";
import { timelinePart } from "./timeline.js";
import { TrialActions } from "./trial_actions.js";
import { nameOf, settingsPart } from "./trial_settings.js";

const STATUSES = {
  running: ["Running", "half", "good"],
  paused: ["Paused", "ring", "warn"],
  completed: ["Completed", "tick", "quiet"],
  stopped: ["Stopped", "alarm", "warn"],
  concluded: ["Concluded", "tick", "quiet"],
};
const VERDICTS = {
  b_better: ["tick", "good"],
  a_better: ["alarm", "warn"],
  no_difference_yet: ["ring", "quiet", "No difference yet"],
  mixed: ["half", "warn", "Mixed"],
  invalid: ["alarm", "bad", "Invalid"],
};
const KINDS = { ab_test: ["A/B", "ab-tests"], shadow_test: ["Shadow", "shadow-tests"] };

/** The card of a test. `changed(test)` is called with the test as it is after an action. */
export class TrialCard {
  static samples = null;

  /** How many images were kept, by reason, since the sidecar's start. */
  static keepSamples(samples) {
    TrialCard.samples = samples;
  }

  constructor(test, changed) {
    this.id = test.id;
    this.address = `/api/v1/${KINDS[test.kind][1]}/${encodeURIComponent(test.id)}`;
    this.results = null;
    this.readAt = 0;
    this.node = element("details", undefined, "trial");
    this.summary = element("summary");
    this.sentence = element("p", "", "sentence");
    this.fault = element("p", "", "refused");
    this.facts = element("ul", undefined, "facts");
    this.warnings = element("ul", undefined, "warnings");
    this.actions = new TrialActions(this.address, this.summary, changed);
    this.parts = element("div", undefined, "parts");
    const body = element("div", undefined, "inside");
    body.append(this.sentence, this.fault, this.facts, this.warnings, this.actions.node, this.parts);
    this.node.append(this.summary, body);
    showText(this.fault, "");
    this.node.addEventListener("toggle", () => this.opened());
  }

  opened() {
    if (!this.node.open) return;
    this.showInside();
    if (!this.results || !this.results.frozen) this.load().catch(() => {}); // the next refresh says it
  }

  show(test) {
    this.test = test;
    this.showLine();
    if (this.node.open) this.showInside();
  }

  isDue(foldedEveryMs) {
    if (this.results && this.results.frozen) return false;
    return this.node.open || Date.now() - this.readAt >= foldedEveryMs;
  }

  /** Reads the results; what the sidecar refuses is said in the card. */
  async load() {
    try {
      this.results = await get(`${this.address}/results`);
      showText(this.fault, "");
    } catch (error) {
      if (error instanceof Refused) showText(this.fault, `The results could not be read just now: ${error.message}`);
      throw error;
    }
    this.readAt = Date.now();
    this.showLine();
    if (this.node.open) this.showInside();
  }

  /** Whose, since when, and how it stands, in one line. */
  showLine() {
    const { test } = this;
    const verdict = verdictOf(test, this.results);
    const mark = JSON.stringify([test.name, test.status, test.ended_at, splitText(test), verdict, versionsText(test)]);
    if (this.mark === mark) return;
    this.mark = mark;
    const title = element("span", undefined, "title");
    title.append(badge(...STATUSES[test.status]), element("strong", test.name));
    title.append(element("span", KINDS[test.kind][0], "tag"), element("span", modelText(test), "tag"));
    const what = element("span", undefined, "what quiet");
    what.append(element("span", versionsText(test)), element("span", splitText(test)));
    const when = element("span");
    const [word, at] = hasEnded(test) ? ["ended", test.ended_at] : ["since", test.created_at];
    when.append(`${word} `, stamp(at, moment(at)));
    what.append(when);
    this.summary.replaceChildren(title, what, verdict ? badge(verdict.text, verdict.sign, verdict.kind) : "");
  }

  showInside() {
    const { test, results } = this;
    const ended = hasEnded(test);
    showText(this.sentence, results ? sentenceText(test, results) : "Reading the results…");
    showLines(this.facts, factsOf(test));
    showLines(this.warnings, test.warnings.map((text) => ({ text, kind: "warn" })));
    this.actions.show(test, results);
    const partsOf = () => (test.kind === "ab_test" ? abParts(results, ended) : shadowParts(results, TrialCard.samples));
    arrange(this.parts, [...(results ? partsOf() : []), timelinePart(test), settingsPart(test)], {
      key: (one) => one.name,
      stamp: (one) => JSON.stringify(one.data),
      make: (one) => one.make(),
      fill: (node, one) => one.fill(node, one.data),
    });
  }
}

const hasEnded = (test) => test.ended_at !== null;
const sentenceText = (test, results) =>
  test.kind === "ab_test" ? sentenceOf(results, hasEnded(test)) : results.sentence;
const modelText = (test) => (test.model === "*" ? "all models" : test.model);

function versionsText(test) {
  if (test.kind === "shadow_test") return `copied to ${test.shadow.id}`;
  const [control, ...treatments] = test.variants.map(({ id }) => id);
  return `${control} against ${treatments.join(", ")}`;
}

function splitText(test) {
  if (!["running", "paused"].includes(test.status)) return "";
  if (test.kind === "shadow_test") return part(test.share);
  return test.variants.map(({ share }) => part(share)).join(" : ");
}

/** The verdict in a word; null where nothing is known of it yet. */
function verdictOf(test, results) {
  if (!results) return null;
  if (test.kind === "shadow_test") {
    const { image_rate: rate } = results.agreement;
    if (rate === null) return { text: "Nothing compared yet", sign: "ring", kind: "quiet" };
    return { text: `${percent(rate)} agree`, sign: "half", kind: "quiet" };
  }
  const [sign, kind, text] = VERDICTS[results.verdict];
  const isEmpty = Object.values(results.variants).every(({ n }) => !n);
  if (text && isEmpty) return { text: hasEnded(test) ? "No traffic" : "No traffic yet", sign: "ring", kind: "quiet" };
  if (hasEnded(test) && results.verdict === "no_difference_yet") return { text: "No difference found", sign, kind };
  return { text: text || `${nameOf(results, results.winner)} is better`, sign, kind };
}

function factsOf(test) {
  const facts = [{ text: `ran ${duration(test.running_s)}` }];
  if (test.ends_at !== null) facts.push({ text: `ends ${moment(test.ends_at)}`, at: test.ends_at });
  else if (test.status === "paused") facts.push({ text: "paused: no time counts" });
  else if (test.status === "running") facts.push({ text: "until it is stopped" });
  if (test.ended_at !== null) facts.push({ text: `ended ${moment(test.ended_at)}`, at: test.ended_at });
  if (test.reason) facts.push({ text: `because ${test.reason}`, kind: "warn" });
  if (test.decision) facts.push({ text: decisionText(test) });
  if (test.promoted) {
    const text = `${test.promoted} was promoted ${moment(test.promoted_at)}`;
    facts.push({ text, at: test.promoted_at, kind: "good" });
  }
  facts.push({ text: servingText(test) });
  if (test.ramp && test.ramp.next_share !== null) {
    const waits = test.ramp.waiting_for ? `, waits for ${test.ramp.waiting_for}` : "";
    facts.push({ text: `next step ${part(test.ramp.next_share)}${waits}` });
  }
  return facts;
}

/** What gets the traffic that the test does not. */
function servingText(test) {
  if (hasEnded(test)) return `${test.serving} serves now`;
  return test.kind === "shadow_test" ? `${test.serving} serves` : `when it ends, ${test.serving} serves`;
}

function decisionText({ decision: { winner, note }, variants }) {
  const found = variants.find(({ variant }) => variant === winner);
  const text = winner === null ? "decided for none" : `decided for ${found ? found.id : winner}`;
  return note ? `${text}: ${note}` : text;
}
