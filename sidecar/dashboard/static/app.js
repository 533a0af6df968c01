// The dashboard: asks the public API every few seconds and shows the answers, each section by itself.

import { refreshAccess, startAccess } from "./access.js";
import { refreshAlerts } from "./alerts.js";
import { get, LoggedOut, NoAnswer, Refused } from "./api.js";
import { refreshDatasets, startDatasets } from "./datasets.js";
import { byId, element, setText, showText } from "./dom.js";
import { refreshDrift } from "./drift.js";
import { refreshFeedback, startFeedback } from "./feedback.js";
import { duration, plural } from "./format.js";
import { showModels } from "./models.js";
import { startName } from "./name.js";
import { showPredictions, showSamples } from "./predictions.js";
import { refreshReview, startReview } from "./review.js";
import { refreshTraining, showJob } from "./training.js";
import { refreshTrials, startTrials } from "./trials.js";

const REFRESH_MS = 5000;
const ROWS = 25;
const SAMPLES = 12;

function showState(text, kind) {
  const state = byId("state");
  setText(state, text);
  state.className = `state ${kind}`;
}

function showStatus(status) {
  const firing = status.alerts.firing || 0;
  if (!status.ok) showState("Needs attention", "bad");
  else if (firing) showState(`${plural(firing, "alert", "alerts")} firing`, "bad");
  else showState("All well", "good");
  byId("version").textContent = status.version ? `Version ${status.version},` : "";
  byId("uptime").textContent = `up ${duration(status.uptime_s)}`;
  byId("faults").hidden = status.ok;
  byId("fault-list").replaceChildren(...status.faults.map((fault) => element("li", fault)));
}

/** Does the work of a section; what the sidecar refuses is said there, and the other sections go on. */
async function section(name, work) {
  const fault = byId(`${name}-fault`);
  try {
    await work();
    showText(fault, "");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showText(fault, `This could not be read just now: ${error.message}`);
    byId(`${name}-empty`)?.setAttribute("hidden", ""); // whether there is nothing isn't known
  }
}

async function refresh() {
  const models = get("/api/v1/models");
  const status = get("/api/v1/status");
  const datasets = get("/api/v1/datasets");
  const results = await Promise.allSettled([
    section("status", async () => showStatus(await status)),
    section("alerts", refreshAlerts),
    section("models", async () => showModels((await models).figures)),
    section("trials", () => refreshTrials(models, status)),
    section("drift", async () => refreshDrift(await models)),
    section("feedback", () => refreshFeedback(models)),
    section("review", () => refreshReview(datasets)),
    section("datasets", () => refreshDatasets(datasets, models)),
    section("training", refreshTraining),
    section("samples", async () => showSamples((await get(`/api/v1/samples?limit=${SAMPLES}`)).items)),
    section("predictions", async () => showPredictions((await get(`/api/v1/predictions?limit=${ROWS}`)).items)),
    section("access", refreshAccess),
  ]);
  const errors = results.filter((result) => result.status === "rejected").map((result) => result.reason);
  const loggedOut = errors.find((error) => error instanceof LoggedOut);
  if (errors.length) throw loggedOut || errors[0];
}

async function run() {
  startName();
  startTrials();
  startFeedback();
  startReview();
  startDatasets(showJob);
  startAccess();
  for (;;) {
    if (!document.hidden) {
      try {
        await refresh();
      } catch (error) {
        if (error instanceof LoggedOut) {
          location.assign("/login");
          return;
        }
        if (error instanceof NoAnswer) showState("No answer from the sidecar; trying again", "bad");
        else {
          showState("This page went wrong; reload it", "bad");
          console.error(error);
        }
      }
    }
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

run();
