// What is shown: the time, the model and what it is compared with; all in the page's address, so that a link shows the
// same.

import { arrange, byId, element } from "../base/dom.js";
import { COMPARES, RANGES, viewOf } from "./asked.js";

export function startView(changed) {
  fillSwitch("view-range", "range", RANGES);
  fillSwitch("view-compare", "compare", COMPARES);
  byId("view").addEventListener("submit", (event) => event.preventDefault());
  let isOpen = viewOf(location.search).isOpen;
  byId("view").addEventListener("change", ({ target }) => {
    const form = new FormData(byId("view"));
    if (target.name === "compare") isOpen = false;
    const compare = isOpen ? "previous" : form.get("compare");
    changed({ range: form.get("range"), compare, model: byId("view-model").value, isOpen });
  });
}

function fillSwitch(id, name, kinds) {
  for (const [value, [text]] of Object.entries(kinds)) {
    const choice = element("label");
    const input = element("input");
    Object.assign(input, { type: "radio", name, value });
    input.setAttribute("aria-label", text);
    choice.append(input, element("span", text));
    byId(id).append(choice);
  }
}

export function showView({ range, compare, model }) {
  for (const [name, value] of [["range", range], ["compare", compare]]) {
    byId("view").querySelector(`input[name="${name}"][value="${value}"]`).checked = true;
  }
  offerModels([], model);
}

let offered = [];

/** The models there are, and their versions; the one that is chosen is there whatever there is. */
export function offerModels(items, chosen) {
  if (items.length) offered = items.map(({ id }) => id).filter((id) => id);
  const ids = ["", ...offered, ...(chosen && !offered.includes(chosen) ? [chosen] : [])];
  arrange(byId("view-model"), ids, {
    key: (id) => id,
    make: (id) => {
      const option = element("option", id || "All models");
      option.value = id;
      return option;
    },
  });
  byId("view-model").value = chosen;
}
