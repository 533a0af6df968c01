// What waits next in a dataset, and what was reviewed last, as small images.

import { get, Refused } from "../base/api.js";
import { arrange, byId, showText } from "../base/dom.js";
import { moment } from "../base/format.js";
import { datasetShown } from "./queue.js";
import { fillThumb, makeThumb } from "./thumb.js";

const SHOWN = 6;
const EVENTS_READ = 60; // claims and releases among them are not told
const DECIDED = ["label", "confirm", "reject", "import"];
const known = new Map(); // item id -> [event id, item], of those that were reviewed last

const address = ({ id }) => `/api/v1/datasets/${encodeURIComponent(id)}`;

export async function refreshWaiting(datasets) {
  const dataset = datasetShown((await datasets).items);
  const filters = new URLSearchParams({ status: "needs_review", queue: "value", limit: String(SHOWN) });
  const { items } = dataset ? await get(`${address(dataset)}/items?${filters}`) : { items: [] };
  showItems("waiting", items);
  showText(byId("waiting-empty"), items.length ? "" : "Nothing waits by value.");
}

export async function refreshDecided(datasets) {
  const dataset = datasetShown((await datasets).items);
  const { items: events } = dataset ? await get(`${address(dataset)}/events?limit=${EVENTS_READ}`) : { items: [] };
  const last = new Map(); // item id -> the newest event of it
  for (const event of events) {
    const isTold = DECIDED.includes(event.action) && event.undone === null;
    if (isTold && !last.has(event.item_id)) last.set(event.item_id, event);
  }
  const shown = [...last.values()].slice(0, SHOWN);
  const items = (await Promise.all(shown.map(itemOf))).filter((item) => item !== null);
  showItems("decided", items, ({ by, at }) => `by ${by || "somebody"}, ${moment(at)}`, last);
  showText(byId("decided-empty"), items.length ? "" : "Nothing is reviewed yet.");
}

/** The item of an event, read once; null where it was deleted since. */
async function itemOf({ id, item_id: itemId }) {
  const [at, item] = known.get(itemId) || [];
  if (at === id) return item;
  const found = await get(`/api/v1/items/${encodeURIComponent(itemId)}`).catch((error) => {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  });
  known.set(itemId, [id, found]);
  if (known.size > 10 * SHOWN) known.delete(known.keys().next().value);
  return found;
}

function showItems(name, items, noteOf = null, events = null) {
  arrange(byId(name), items, {
    key: ({ id }) => id,
    stamp: ({ revision, id }) => `${revision} ${events ? events.get(id).id : ""}`,
    make: makeThumb,
    fill: (node, item) => fillThumb(node, item, noteOf ? noteOf(events.get(item.id)) : undefined),
  });
}
