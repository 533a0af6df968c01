// The queues of images to review: of each dataset one by value and the audit. The review itself has the whole screen.

import { LoggedOut, toLogin } from "../base/api.js";
import { arrange, bar, byId, element, setText, showText } from "../base/dom.js";
import { count, plural } from "../base/format.js";
import { askName, keepName } from "../base/name.js";
import { refreshNow } from "../base/page.js";
import { ReviewDialog } from "./dialog.js";
import { waitingByValue } from "./words.js";

const QUEUES = { value: "Review by value", audit: "Audit" };
let datasets = [];
let dialog = null;
let busy = false;
let asked = new URLSearchParams(location.search); // what the address asks for, until it is done

/** `found` is the answer of /api/v1/datasets. */
export async function refreshReview(found) {
  datasets = (await found).items;
  const list = byId("queues");
  arrange(list, [...datasets].sort(byWaiting), {
    key: ({ id }) => id,
    stamp: JSON.stringify,
    make: makeQueues,
    fill: fillQueues,
  });
  list.hidden = byId("review-about").hidden = datasets.length === 0;
  const empty = "No image is kept for review yet. The data engine of a model keeps them for its dataset.";
  showText(byId("review-empty"), datasets.length ? "" : empty);
  const waits = datasets.reduce((sum, dataset) => sum + waitingOf(dataset), 0);
  setText(byId("review-count"), datasets.length ? plural(waits, "image waits", "images wait") : "");
  answerAddress();
}

/** The dataset whose images are shown: that of the address, else the one in which most waits. */
export function datasetShown(found) {
  const named = found.find(({ id }) => id === new URLSearchParams(location.search).get("dataset"));
  return named || [...found].sort((one, other) => waitingOf(other) - waitingOf(one))[0] || null;
}

export function startReview() {
  dialog = new ReviewDialog((isSingle) => {
    if (isSingle && isFromHere()) history.back();
    else refreshNow();
  });
}

/** Whether a page of the dashboard led here, such as the images of a dataset. */
function isFromHere() {
  const { referrer } = document;
  return history.length > 1 && referrer.startsWith(`${location.origin}/`) && !referrer.includes("/review");
}

const waitingOf = (dataset) => waitingByValue(dataset) + dataset.audit.waiting;
const byWaiting = (one, other) =>
  Number(waitingOf(other) > 0) - Number(waitingOf(one) > 0) || one.name.localeCompare(other.name);

function makeQueues({ id }) {
  const node = element("li", undefined, "card queue");
  const head = element("div", undefined, "title");
  head.append(element("h2"), element("span", "", "quiet"));
  const progress = element("div", undefined, "progress");
  const actions = element("div", undefined, "actions");
  for (const queue of Object.keys(QUEUES)) {
    const button = element("button");
    button.type = "button";
    button.dataset.queue = queue;
    button.append(element("span"), " ", element("span", "", "count"));
    button.addEventListener("click", () => begin(id, queue, null, button));
    actions.append(button);
  }
  node.append(head, progress, actions);
  return node;
}

function fillQueues(node, dataset) {
  const [head, progress, actions] = node.children;
  const { by_status: status, audit, items, name } = dataset;
  setText(head.firstChild, name);
  setText(head.lastChild, partsOf(dataset));
  const done = status.labeled + status.rejected;
  const how = items ? `${count(done)} of ${plural(items, "image", "images")} reviewed` : "no image yet";
  progress.replaceChildren(...(items ? [bar(done / items)] : []), element("span", how, "quiet"));
  actions.hidden = items === 0;
  const waits = { value: waitingByValue(dataset), audit: audit.waiting };
  for (const button of actions.children) {
    const { queue } = button.dataset;
    const n = waits[queue];
    setText(button.firstChild, QUEUES[queue]);
    setText(button.lastChild, n ? plural(n, "waits", "wait") : "nothing waits");
    button.className = n && queue === "value" ? "main" : "";
    button.setAttribute("aria-label", `${button.firstChild.textContent} ${button.lastChild.textContent}: ${name}`);
  }
}

function partsOf({ by_status: { in_review: held, labeled, rejected } }) {
  const parts = [[held, "in review"], [labeled, "labeled"], [rejected, "rejected"]];
  return parts.filter(([n]) => n > 0).map(([n, word]) => `${count(n)} ${word}`).join(", ");
}

/** Once: opens the item that the address names, or puts the focus on its queue. */
function answerAddress() {
  if (!asked) return;
  const [dataset, item, queue] = ["dataset", "item", "queue"].map((name) => asked.get(name));
  asked = null;
  if (dataset === null) return;
  const place = [...datasets].sort(byWaiting).findIndex(({ id }) => id === dataset);
  if (place < 0) return showText(byId("review-begin-fault"), `There is no dataset ${dataset}.`);
  if (item !== null) return begin(dataset, queue === "audit" ? "audit" : "value", item);
  const card = byId("queues").children[place];
  const button = card.querySelector(`[data-queue=${queue === "audit" ? "audit" : "value"}]`);
  card.classList.add("asked");
  button.focus();
}

async function begin(id, queue, itemId, from = null) {
  const dataset = datasets.find((one) => one.id === id);
  if (!dataset || busy) return;
  const fault = byId("review-begin-fault");
  showText(fault, "");
  const by = await askName();
  if (!by) return;
  busy = true;
  if (from) from.setAttribute("aria-busy", "true");
  try {
    await dialog.begin(dataset, queue, by, itemId);
    keepName(by);
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else showText(fault, `${itemId === null ? "The review can't begin" : `${itemId} can't be opened`}: ${error.message}`);
  } finally {
    busy = false;
    if (from) from.removeAttribute("aria-busy");
  }
}
