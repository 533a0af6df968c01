// The review: its queues, what waits and what was done last, and how right a model is by what people said.

import { runPage } from "../base/page.js";
import { refreshFeedback, startFeedback } from "./feedback.js";
import { refreshReview, startReview } from "./queue.js";
import { showSamples } from "./samples.js";
import { refreshDecided, refreshWaiting } from "./strips.js";

const SAMPLES = 6;

runPage({
  start() {
    startReview();
    startFeedback();
  },
  sections: {
    review: (ask) => refreshReview(ask("/api/v1/datasets")),
    waiting: (ask) => refreshWaiting(ask("/api/v1/datasets")),
    decided: (ask) => refreshDecided(ask("/api/v1/datasets")),
    samples: async (ask) => showSamples((await ask(`/api/v1/samples?limit=${SAMPLES}`)).items),
    feedback: (ask) => refreshFeedback(ask("/api/v1/models")),
  },
});
