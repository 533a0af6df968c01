// The verdict of an A/B test in a word or two, with its sign and colour.

const VERDICTS = {
  b_better: ["Better", "tick", "good"],
  a_better: ["Worse", "alarm", "warn"],
  no_difference_yet: ["No sure difference yet", "ring", "quiet"],
  mixed: ["Mixed", "half", "warn"],
  invalid: ["Invalid", "alarm", "bad"],
};
const DIFFERENT = ["Different, unclear which is better", "half", "warn"];
const NO_DIFFERENCE = ["No sure difference found", "ring", "quiet"];
const TOO_FEW = ["Too few units", "ring", "quiet"];

/** [text, sign, colour] of a verdict over `comparisons`, of a test that goes on or has `ended`. */
export function verdictWords(verdict, comparisons, ended) {
  if (verdict === "mixed" && !comparisons.some(speaksForBoth)) return DIFFERENT;
  if (verdict === "no_difference_yet") {
    if (comparisons.every(hasTooFew)) return TOO_FEW;
    if (ended) return NO_DIFFERENCE;
  }
  return VERDICTS[verdict];
}

/** Mixed is what something speaks for and something against; what merely differs is neither better nor worse. */
function speaksForBoth({ metrics, guardrails }) {
  const favours = Object.values(metrics).map((item) => item.favours);
  const isHarmful = guardrails.some(({ decision }) => decision === "harmful");
  return favours.includes("model_b") && (favours.includes("model_a") || isHarmful);
}

const hasTooFew = ({ reasons }) => reasons.some((reason) => reason.startsWith("too few units"));
