// A test of versions in words: how it stands, what it is of, what it came to, and where it is.

import { badge } from "../base/dom.js";
import { duration, moment, part, percent } from "../base/format.js";
import { verdictWords } from "./verdicts.js";
import { nameOf } from "./settings.js";

const STATUSES = {
  running: ["Running", "half", "good"],
  paused: ["Paused", "ring", "warn"],
  completed: ["Completed", "tick", "quiet"],
  stopped: ["Stopped", "alarm", "warn"],
  concluded: ["Concluded", "tick", "quiet"],
};
export const KINDS = {
  ab_test: { tag: "A/B", path: "ab-tests" },
  shadow_test: { tag: "Shadow", path: "shadow-tests" },
};

/** Where a test has its page. */
export const pageOf = ({ kind, id }) => `/experiments/${KINDS[kind].path}/${encodeURIComponent(id)}`;

/** Where the API has it. */
export const apiOf = ({ kind, id }) => `/api/v1/${KINDS[kind].path}/${encodeURIComponent(id)}`;

export const statusBadge = (test) => badge(...STATUSES[test.status]);

export const hasEnded = (test) => test.ended_at !== null;
export const modelText = (test) => (test.model === "*" ? "all models" : test.model);

export function versionsText(test) {
  if (test.kind === "shadow_test") return `copied to ${test.shadow.id}`;
  const [control, ...treatments] = test.variants.map(({ id }) => id);
  return `${control} against ${treatments.join(", ")}`;
}

export function splitText(test) {
  if (!["running", "paused"].includes(test.status)) return "";
  if (test.kind === "shadow_test") return part(test.share);
  return test.variants.map(({ share }) => part(share)).join(" : ");
}

/** The verdict in a word; null where nothing is known of it yet. */
export function verdictOf(test, results) {
  if (!results) return null;
  if (test.kind === "shadow_test") {
    const { image_rate: rate } = results.agreement;
    if (rate === null) return { text: "Nothing compared yet", sign: "ring", kind: "quiet" };
    return { text: `${percent(rate)} agree`, sign: "half", kind: "quiet" };
  }
  const isEmpty = Object.values(results.variants).every(({ n }) => !n);
  if (isEmpty) return { text: hasEnded(test) ? "No traffic" : "No traffic yet", sign: "ring", kind: "quiet" };
  const [text, sign, kind] = verdictWords(results.verdict, results.comparisons, hasEnded(test));
  return { text: results.winner ? `${nameOf(results, results.winner)} is better` : text, sign, kind };
}

export function factsOf(test) {
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
