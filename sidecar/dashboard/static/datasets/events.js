// Who did what to the images of a dataset.

import { arrange, byId, showText } from "../base/dom.js";
import { datasetAddress } from "./forms.js";
import { fillEvent, isTold, makeEvent } from "./item_events.js";

const READ = 80;
const SHOWN = 15;

export async function refreshEvents(ask, id) {
  const { items } = await ask(`${datasetAddress(id)}/events?limit=${READ}`);
  const told = items.filter(isTold).slice(0, SHOWN);
  arrange(byId("events"), told, {
    key: (event) => event.id,
    stamp: ({ undone }) => String(undone),
    make: makeEvent,
    fill: fillEvent,
  });
  byId("events").hidden = told.length === 0;
  showText(byId("events-empty"), told.length ? "" : "Nobody has reviewed an image yet.");
}
