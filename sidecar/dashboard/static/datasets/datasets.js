// All datasets, or the one that the address names; and the training on them.

import { get } from "../base/api.js";
import { runPage } from "../base/page.js";
import { refreshEvents } from "./events.js";
import { refreshItems, startItems } from "./items.js";
import { refreshTraining, showJob } from "./jobs.js";
import { refreshDatasets, startDatasets } from "./list.js";
import { idOf, refreshOne, startOne } from "./one.js";
import { refreshVersions, startVersions } from "./versions.js";

const id = idOf(location.pathname);

const all = {
  start: startDatasets,
  sections: {
    datasets: (ask) => refreshDatasets(ask("/api/v1/datasets")),
    training: (ask) => refreshTraining(ask("/api/v1/training-jobs")),
  },
};

/** After what a person did: in place of the wait for the next round. */
async function again() {
  await refreshOne(get(`/api/v1/datasets/${encodeURIComponent(id)}`));
  await Promise.all([refreshVersions(get("/api/v1/models")), refreshItems(), refreshEvents(get, id)]);
}

const one = {
  start() {
    startOne(id, again);
    startItems(id);
    startVersions(id, showJob);
  },
  sections: {
    one: (ask) => refreshOne(ask(`/api/v1/datasets/${encodeURIComponent(id)}`)),
    items: () => refreshItems(),
    versions: (ask) => refreshVersions(ask("/api/v1/models")),
    events: (ask) => refreshEvents(ask, id),
    training: (ask) => refreshTraining(ask("/api/v1/training-jobs"), id),
  },
};

runPage(id === null ? all : one);
