// Each slice of a comparison by itself, those that drifted first: asked for by a button, since it takes the sidecar a while.

import { getSlow, LoggedOut, NoAnswer, Refused, toLogin } from "../base/api.js";
import { badge, element, setText, showText } from "../base/dom.js";
import { plural } from "../base/format.js";
import { VERDICTS } from "./scores.js";

const SHOWN = 12; // the rest is folded away

/** The part of a report of `question`, which is about all traffic; `linkTo(text, question)` makes a link to another. */
export function slicesPart(question, linkTo) {
  const part = element("section", undefined, "slices");
  const title = element("h3", "Each slice by itself");
  title.tabIndex = -1;
  const ask = element("button", "Compare each slice");
  ask.type = "button";
  const said = element("p", "", "quiet");
  said.setAttribute("role", "status");
  said.hidden = true;
  const fault = element("p", "", "refused");
  fault.setAttribute("role", "alert");
  fault.hidden = true;
  const found = element("div");
  ask.addEventListener("click", async () => {
    if (ask.hasAttribute("aria-busy")) return;
    ask.setAttribute("aria-busy", "true");
    showText(said, "Comparing each slice…");
    showText(fault, "");
    try {
      const { slices } = await getSlow(`/api/v1/drift?${new URLSearchParams({ ...question, by_slice: "true" })}`);
      found.replaceChildren(...listsOf(slices, question, linkTo));
      setText(said, summaryOf(slices));
      title.focus({ preventScroll: true });
      ask.hidden = true;
    } catch (error) {
      showText(said, "");
      if (error instanceof LoggedOut) toLogin();
      else if (error instanceof Refused || error instanceof NoAnswer) showText(fault, `The slices could not be compared: ${error.message}`);
      else throw error;
    } finally {
      ask.removeAttribute("aria-busy");
    }
  });
  part.append(title, ask, said, fault, found);
  return part;
}

function summaryOf(slices) {
  if (slices.length === 0) return "There is none to compare: no slice has images in both periods.";
  const drifted = slices.filter(({ verdict }) => verdict === "drift").length;
  const all = plural(slices.length, "slice", "slices");
  const strictly = slices.length > 1 ? "; each is judged the more strictly, the more there are" : "";
  return `${drifted ? `${drifted} of ${all} drifted` : `No drift in ${all}`}${strictly}.`;
}

function listsOf(slices, question, linkTo) {
  if (slices.length === 0) return [];
  const rows = slices.map((one) => rowOf(one, question, linkTo));
  const list = element("ul");
  list.append(...rows.slice(0, SHOWN));
  if (rows.length <= SHOWN) return [list];
  const fold = element("details");
  const rest = element("ul");
  rest.append(...rows.slice(SHOWN));
  fold.append(element("summary", `and ${plural(rows.length - SHOWN, "more slice", "more slices")}`), rest);
  return [list, fold];
}

function rowOf({ slice, verdict, sentence }, question, linkTo) {
  const row = element("li");
  const head = element("p", undefined, "verdict-head");
  const draw = linkTo("Draw", { ...question, slice });
  draw.setAttribute("aria-label", `Draw slice ${slice}`);
  head.append(badge(...VERDICTS[verdict]), element("strong", slice), draw);
  row.append(head, element("p", sentence));
  return row;
}
