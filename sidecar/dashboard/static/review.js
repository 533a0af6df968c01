// The queue of images to review: which dataset, in which order, by whom; the review itself has the whole screen.

import { LoggedOut } from "./api.js";
import { arrange, byId, element, setText, showText } from "./dom.js";
import { plural } from "./format.js";
import { askName, keepName } from "./name.js";
import { ReviewDialog } from "./review_dialog.js";
import { waitingByValue } from "./review_words.js";

const ABOUT = {
  value: "What teaches most comes first: the most uncertain, what versions disagree on, and rare classes.",
  audit:
    "A random sample in random order, the model version hidden. Only these reviews enter scores and precision: " +
    "take them as they come.",
};
let datasets = [];
let dialog = null;
let hasChosen = false;
let busy = false;

/** `found` is the answer of /api/v1/datasets. */
export async function refreshReview(found) {
  datasets = (await found).items;
  const select = byId("review-dataset");
  arrange(select, datasets, {
    key: ({ id }) => id,
    stamp: ({ name, id }) => `${name} ${id}`,
    make: ({ id }) => Object.assign(element("option"), { value: id }),
    fill: (option, { name, id }) => setText(option, name === id ? name : `${name} (${id})`),
  });
  if (!hasChosen && datasets.length) select.value = (datasets.find(waiting) || datasets[0]).id;
  showCounts();
}

/** Makes the form work. */
export function startReview() {
  dialog = new ReviewDialog(() => byId("review-begin").focus());
  byId("review-dataset").addEventListener("change", () => {
    hasChosen = true;
    showCounts();
  });
  for (const queue of Object.keys(ABOUT)) byId(`review-${queue}`).addEventListener("change", showCounts);
  byId("review-form").addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
}

const waiting = (dataset) => waitingByValue(dataset) + dataset.audit.waiting > 0;
const chosen = () => datasets.find(({ id }) => id === byId("review-dataset").value);
const queueOf = () => (byId("review-audit").checked ? "audit" : "value");

function showCounts() {
  const dataset = chosen();
  byId("review-form").hidden = !dataset;
  const empty = "No image is kept for review yet. The data engine of a model keeps them for its dataset.";
  showText(byId("review-empty"), dataset ? "" : empty);
  setText(byId("review-count"), dataset ? countsText(dataset.by_status) : "");
  if (!dataset) return;
  setText(byId("review-value-count"), waitText(waitingByValue(dataset)));
  setText(byId("review-audit-count"), waitText(dataset.audit.waiting));
  setText(byId("review-about"), ABOUT[queueOf()]);
}

const waitText = (n) => (n ? plural(n, "waits", "wait") : "nothing waits");

function countsText({ needs_review: waits, in_review: held, labeled, rejected }) {
  const parts = [[waits, "to review"], [held, "in review"], [labeled, "labeled"], [rejected, "rejected"]];
  return parts.filter(([n]) => n > 0).map(([n, word]) => `${n} ${word}`).join(", ");
}

async function begin() {
  const dataset = chosen();
  if (!dataset || busy) return;
  const fault = byId("review-begin-fault");
  showText(fault, "");
  const by = await askName();
  if (!by) return;
  busy = true;
  try {
    await dialog.begin(dataset, queueOf(), by);
    keepName(by);
  } catch (error) {
    if (error instanceof LoggedOut) location.assign("/login");
    else showText(fault, `The review can't begin: ${error.message}`);
  } finally {
    busy = false;
  }
}
