// When an alert would have fired, as it is typed: asked for a moment after the last key, drawn and said in words.

import { LoggedOut, NoAnswer, post, Refused, toLogin } from "../base/api.js";
import { element, setText, showText, stamp } from "../base/dom.js";
import { duration, moment, plural } from "../base/format.js";
import { PreviewChart } from "./preview_chart.js";
import { valueText } from "./words.js";

const WAIT_MS = 350;
const AGAIN_MS = 2000;
const LISTED = 8;

/** `told(faults)` hears what is wrong with what was asked for, nothing where all is well. */
export class Preview {
  constructor(told = () => {}) {
    this.told = told;
    this.chart = new PreviewChart();
    this.node = element("div", undefined, "preview");
    this.node.setAttribute("role", "group");
    this.node.setAttribute("aria-label", "When it would have fired");
    this.sentence = element("p", "", "sentence");
    this.sentence.setAttribute("role", "status");
    this.key = element("p", undefined, "key quiet");
    this.key.append(keyOf("line", "the metric"), keyOf("edge", "threshold"), keyOf("fired", "would have fired, where there was data"));
    this.list = element("ol", undefined, "would-fire");
    this.more = element("p", "", "quiet");
    this.limits = element("ul", undefined, "limitations quiet");
    this.fold = element("details");
    this.fold.append(element("summary", "What the past can't tell"), this.limits);
    this.drawn = element("div", undefined, "drawn-past");
    this.drawn.append(this.chart.node, this.key);
    this.node.append(this.sentence, this.drawn, this.list, this.more, this.fold);
    this.asked = 0;
    this.mark = "";
    this.blank("Fill in the condition to see when it would have fired over the past week.");
  }

  /** Asks for `question` (model_id, condition, slice), null where there is nothing to ask yet, for the reason `why`. */
  ask(question, metric, why = "") {
    const mark = JSON.stringify(question);
    if (mark === this.mark && question) return;
    this.mark = mark;
    this.asked += 1;
    clearTimeout(this.timer);
    if (question === null) {
      this.blank(why);
      this.told([]);
      return;
    }
    if (this.drawn.hidden) this.blank("Looking at the past week…");
    this.node.setAttribute("aria-busy", "true");
    const turn = this.asked;
    this.timer = setTimeout(() => this.load(question, metric, turn), WAIT_MS);
  }

  async load(question, metric, turn) {
    try {
      const found = await post("/api/v1/alerts/preview", question);
      if (turn === this.asked) this.show(found, metric);
    } catch (error) {
      if (error instanceof LoggedOut) toLogin();
      else if (turn === this.asked) this.failed(error, question, metric, turn);
    }
  }

  failed(error, question, metric, turn) {
    if (error instanceof Refused && error.status === 503) {
      this.timer = setTimeout(() => this.load(question, metric, turn), AGAIN_MS);
      return;
    }
    if (!(error instanceof Refused || error instanceof NoAnswer)) throw error;
    const faults = error.faults || [];
    const first = faults.length ? faults.map(({ message }) => message).join("; ") : error.message;
    this.blank(`No preview: ${first}.`);
    this.told(faults);
  }

  show(found, metric) {
    this.node.removeAttribute("aria-busy");
    this.told([]);
    setText(this.sentence, found.sentence);
    const isDrawn = found.points.length > 0;
    this.drawn.hidden = !isDrawn;
    if (isDrawn) this.chart.show(found, `${found.sentence} The metric from ${moment(found.since)} on.`);
    const shown = found.firings.slice(-LISTED).reverse();
    this.list.replaceChildren(...shown.map((firing) => firingLine(firing, metric)));
    const rest = found.fired - shown.length;
    showText(this.more, rest > 0 ? `and ${plural(rest, "earlier time", "earlier times")}` : "");
    this.limits.replaceChildren(...found.limitations.map((text) => element("li", text)));
    this.fold.hidden = found.limitations.length === 0;
  }

  /** Moves the threshold before the answer is there. */
  setEdges(low, high) {
    if (!this.drawn.hidden) this.chart.setEdges(low, high);
  }

  blank(text) {
    this.node.removeAttribute("aria-busy");
    setText(this.sentence, text);
    this.drawn.hidden = true;
    this.list.replaceChildren();
    showText(this.more, "");
    this.fold.hidden = true;
  }

  /** Whether an answer is awaited. */
  get isAsking() {
    return this.node.hasAttribute("aria-busy");
  }

  end() {
    this.asked += 1;
    clearTimeout(this.timer);
    this.chart.end();
  }
}

function firingLine({ since, until, peak_value: peak, sentence }, metric) {
  const line = element("li");
  line.title = sentence;
  line.append(stamp(since, moment(since)), until === null ? " and still" : ` for ${duration(until - since)}`);
  if (peak !== null) line.append(element("span", `, at worst ${valueText(peak, metric)}`, "quiet"));
  return line;
}

function keyOf(kind, text) {
  const sign = element("span", undefined, `sign ${kind}`);
  sign.setAttribute("aria-hidden", "true");
  const made = element("span");
  made.append(sign, ` ${text}`);
  return made;
}
