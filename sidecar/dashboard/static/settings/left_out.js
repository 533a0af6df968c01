// What was left out and which limits were met, each with its count and what that means.

import { arrange, byId, element, showText } from "../base/dom.js";
import { count } from "../base/format.js";
import { dropName, isLoss } from "./words.js";
import { pairOf } from "./store.js";

export function showLeftOut(dropped) {
  const inOrder = [...dropped].sort((one, other) => isLoss(other.stage) - isLoss(one.stage) || other.count - one.count);
  showCounts("dropped", inOrder, {
    key: ({ stage, reason }) => JSON.stringify([stage, reason]),
    titleOf: ({ stage }) => dropName(stage),
    codeOf: ({ stage, reason }) => `${stage}/${reason}`,
    isBad: ({ stage }) => isLoss(stage),
    none: "Nothing was.",
  });
}

export function showLimits(limits) {
  showCounts("limits", limits, {
    key: ({ limit }) => limit,
    titleOf: () => "",
    codeOf: ({ limit }) => limit,
    isBad: () => false,
    none: "None was.",
  });
}

export function showSamples(samples) {
  const list = byId("samples");
  const found = Object.entries(samples).sort(([, one], [, other]) => other - one);
  list.hidden = !found.length;
  showText(byId("samples-empty"), found.length ? "" : "None since the start.");
  const mark = JSON.stringify(found);
  if (list.dataset.mark === mark) return;
  list.dataset.mark = mark;
  list.replaceChildren(...found.map(([reason, n]) => pairOf([reason.replaceAll("_", " "), count(n)])));
}

function showCounts(name, items, { key, titleOf, codeOf, isBad, none }) {
  byId(name).hidden = !items.length;
  showText(byId(`${name}-empty`), items.length ? "" : none);
  arrange(byId(name), items, {
    key,
    stamp: JSON.stringify,
    make: () => element("li"),
    fill: (row, item) => {
      const words = element("div");
      const head = element("p");
      const title = titleOf(item);
      if (title) head.append(element("span", `${title} `));
      head.append(element("code", codeOf(item), "quiet"));
      words.append(head);
      if (item.meaning) words.append(element("p", sentence(item.meaning), "quiet note"));
      row.replaceChildren(element("span", count(item.count), isBad(item) ? "amount bad" : "amount"), words);
    },
  });
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
