// The pairs of a shadow test, one at a time: what serves and the shadow side by side on the same image.

import { get, LoggedOut, Refused, toLogin } from "../base/api.js";
import { badge, element, setText, showText, stamp } from "../base/dom.js";
import { count, moment, plural } from "../base/format.js";
import { explain, isTaken } from "../base/keys.js";
import { FATES, preload, scoreText, Side } from "./sides.js";
import { apiOf } from "./words.js";

const PAGE = 12;
const AHEAD = 5; // pairs before the end at which more are asked for
const LISTED = 12;
const KINDS = {
  disagreement: "Those that differ",
  class_flip: "Another class",
  missed: "Missed by the shadow",
  extra: "Only the shadow's",
  all: "All",
};
const EMPTY = {
  all: "Nothing yet: no request that is still recorded was answered by both.",
  rest: "None among those that are still recorded.",
};

export class PairsView {
  constructor(test) {
    this.address = `${apiOf(test)}/pairs`;
    this.kind = "disagreement";
    this.sampled = null; // not settled: with the image where there are any
    this.turn = 0;
    this.reset();
    this.node = element("section", undefined, "trial pairs");
    this.node.setAttribute("aria-labelledby", "pairs-title");
    const title = element("h2", "Side by side");
    title.id = "pairs-title";
    this.place = element("p", "", "quiet place");
    this.place.setAttribute("role", "status");
    this.back = this.button("‹ Newer", "Newer pair", () => this.go(-1));
    this.on = this.button("Older ›", "Older pair", () => this.go(1));
    this.other = this.button("Show the shadow", undefined, () => this.turnOver());
    this.other.classList.add("turn-over");
    const moves = element("div", undefined, "actions");
    moves.append(this.back, this.on, this.other, this.place);
    this.head = element("p", undefined, "pair-head");
    this.sides = { a: new Side("serves"), b: new Side("shadow") };
    this.both = element("div", undefined, "sides show-a");
    this.both.append(this.sides.a.node, this.sides.b.node);
    this.list = element("ul", undefined, "fates");
    this.empty = element("p", "Reading…", "empty");
    this.fault = element("p", "", "empty fault");
    this.fault.hidden = true;
    this.node.append(title, this.filters(), moves, this.fault, this.empty, this.head, this.both, this.list);
    document.addEventListener("keydown", (event) => this.pressed(event));
    explain([
      ["← →", "newer or older pair"],
      ["S", "on a narrow screen: the other version"],
    ]);
    this.show();
  }

  button(text, label, act) {
    const made = element("button", text);
    made.type = "button";
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  }

  filters() {
    const made = element("fieldset", undefined, "kinds");
    made.append(element("legend", "Which pairs", "hidden-words"));
    this.box = element("input");
    Object.assign(this.box, { type: "checkbox", checked: true });
    this.box.addEventListener("change", () => this.choose(this.kind, this.box.checked));
    const image = element("label", undefined, "with-image");
    image.append(this.box, element("span", "with the image"));
    for (const [value, text] of Object.entries(KINDS)) {
      const label = element("label");
      const radio = element("input");
      Object.assign(radio, { type: "radio", name: "pairs-kind", value, checked: value === this.kind });
      radio.addEventListener("change", () => this.choose(value));
      label.append(radio, element("span", text));
      made.append(label);
    }
    made.append(image);
    return made;
  }

  reset() {
    Object.assign(this, { pairs: [], at: 0, next: null, asked: false, ended: false });
  }

  choose(kind, sampled = this.sampled) {
    this.kind = kind;
    this.sampled = sampled;
    this.turn += 1;
    this.reset();
    setText(this.empty, "Reading…");
    this.show();
    this.more().catch(() => {}); // the next refresh says it
  }

  /** With each refresh: the first page, until there is something to show; what is looked at stays. */
  async load() {
    if (!this.pairs.length && !this.busy && (!this.asked || this.ended)) {
      this.next = null;
      await this.more();
    }
  }

  async more() {
    if (this.busy === this.turn + 1) return undefined;
    const { turn } = this;
    this.busy = turn + 1;
    const query = new URLSearchParams({ kind: this.kind, limit: PAGE });
    if (this.box.checked) query.set("sampled", "true");
    if (this.next) query.set("cursor", this.next);
    try {
      const page = await get(`${this.address}?${query}`);
      if (turn !== this.turn) return undefined;
      if (this.sampled === null && this.box.checked && !page.items.length) return await this.withoutImages();
      this.asked = true;
      this.pairs.push(...page.items);
      this.next = page.next;
      this.ended = page.next === null;
      showText(this.fault, "");
    } catch (error) {
      if (error instanceof LoggedOut) return toLogin();
      if (!(error instanceof Refused)) throw error;
      showText(this.fault, `Pairs could not be read just now: ${error.message}`);
    } finally {
      if (this.busy === turn + 1) this.busy = 0;
    }
    this.show();
    if (!this.pairs.length && !this.ended && this.fault.hidden) setText(this.empty, "None among the latest pairs.");
  }

  /** At first, where no image was kept: there is still something to see. */
  withoutImages() {
    this.busy = 0;
    this.box.checked = false;
    return this.more();
  }

  async go(step) {
    const wanted = this.pairs.length ? this.at + step : 0;
    if (wanted < 0) return;
    if (wanted + AHEAD >= this.pairs.length && !this.ended) {
      const asked = this.more();
      if (wanted >= this.pairs.length) await asked;
      else asked.catch(() => {}); // it is asked again at the end
    }
    if (wanted < this.pairs.length) this.at = wanted;
    this.show();
  }

  pressed(event) {
    if (event.defaultPrevented || event.shiftKey) return;
    const { target } = event;
    const radio = target instanceof Element && target.matches("input[type=radio]");
    if (isTaken(event) && !(radio && event.key.toUpperCase() === "S")) return;
    if (target instanceof Element && target.closest(".scroll")) return; // there they scroll
    const acts = { ArrowLeft: () => this.go(-1), ArrowRight: () => this.go(1), S: () => this.turnOver() };
    const act = acts[event.key.length === 1 ? event.key.toUpperCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  turnOver() {
    const isB = this.both.classList.toggle("show-b");
    this.both.classList.toggle("show-a", !isB);
    setText(this.other, isB ? "Show what serves" : "Show the shadow");
  }

  show() {
    const pair = this.pairs[this.at];
    for (const node of [this.head, this.both, this.list, this.other]) node.hidden = !pair;
    this.empty.hidden = Boolean(pair);
    if (!pair) {
      if (this.ended) setText(this.empty, this.kind === "all" && !this.box.checked ? EMPTY.all : EMPTY.rest);
      setText(this.place, "");
    } else this.showPair(pair);
    this.enable(this.back, this.at > 0, this.on);
    this.enable(this.on, this.at + 1 < this.pairs.length || (this.asked && !this.ended), this.back);
  }

  /** Whoever works by keyboard stays here when the button in use can't go on. */
  enable(button, isFit, other) {
    const had = document.activeElement === button;
    button.disabled = !isFit;
    if (had && !isFit) other.focus();
  }

  showPair(pair) {
    const of = this.ended ? count(this.pairs.length) : `${count(this.pairs.length)} or more`;
    setText(this.place, `${this.at + 1} of ${of}, newest first`);
    this.head.replaceChildren(badgeOf(pair), ` ${countsText(pair)} `, stamp(pair.at, moment(pair.at)));
    for (const side of ["a", "b"]) this.sides[side].show(pair, side, nameOf(pair[side]));
    this.list.replaceChildren(...fateRows(pair));
    for (const next of this.pairs.slice(this.at + 1, this.at + 3)) preload(next);
  }
}

const nameOf = ({ model, version }) => (version ? `${model}@${version}` : model);

function badgeOf(pair) {
  if (pair.agree === null) return badge("Not compared", "ring", "quiet");
  if (pair.agree) return badge("Alike", "tick", "good");
  return badge(`Disagree by ${pair.disagreement.toFixed(2)}`, "half", "warn");
}

function countsText(pair) {
  if (pair.agree === null) return `${pair.left_out};`;
  const said = [
    [pair.matched, "seen alike"],
    [pair.flipped, "of another class"],
    [pair.missed, "missed by the shadow"],
    [pair.extra, "only the shadow's"],
  ].filter(([n]) => n);
  return said.length ? `${said.map(([n, text]) => `${n} ${text}`).join(", ")};` : "no boxes in either;";
}

/** What is in dispute, in words, the surest first. */
function fateRows({ a, b }) {
  const rows = [];
  for (const one of a.detections || []) {
    if (one.found === "flipped") {
      const other = b.detections[one.partner];
      rows.push(["flipped", `${one.label} ${scoreText(one)} → ${other.label} ${scoreText(other)}`, one]);
    } else if (one.found === "missed") rows.push(["missed", `${one.label} ${scoreText(one)}`, one]);
  }
  for (const one of b.detections || []) {
    if (one.found === "extra") rows.push(["extra", `${one.label} ${scoreText(one)}`, one]);
  }
  rows.sort((first, second) => (second[2].confidence || 0) - (first[2].confidence || 0));
  const nodes = rows.slice(0, LISTED).map(([found, text]) => {
    const row = element("li");
    row.append(element("span", FATES[found], `fate ${found}`), ` ${text}`);
    return row;
  });
  const rest = rows.length - LISTED;
  if (rest > 0) nodes.push(element("li", `and ${plural(rest, "more", "more")}`, "quiet"));
  return nodes;
}
