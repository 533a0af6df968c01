// Training jobs, those under way first.

import { Refused } from "../base/api.js";
import { byId, place, setText, showText } from "../base/dom.js";
import { isOpen, JobCard } from "./job_card.js";

const SHOWN = 30;
const cards = new Map(); // job id -> its card
let jobs = [];
let dataset = null; // whose jobs are shown; null: those of all
let turn = 0; // goes up with each action: what was asked before it is out of date

/** `found` is the answer of /api/v1/training-jobs; of a dataset's page its own are shown. */
export async function refreshTraining(found, datasetId = null) {
  const asked = turn;
  dataset = datasetId;
  const { items } = await found;
  if (asked !== turn) return;
  jobs = items.filter((job) => dataset === null || job.dataset_id === dataset);
  showJobs();
  const due = [...cards.values()].filter((card) => card.isDue());
  const read = await Promise.allSettled(due.map((card) => card.loadLog()));
  const lost = read.find(({ status, reason }) => status === "rejected" && !(reason instanceof Refused));
  if (lost) throw lost.reason;
}

/** Shows a job that was begun elsewhere on the page. */
export function showJob(job) {
  changed(job);
  const card = cards.get(job.id);
  card.node.open = true;
  card.node.scrollIntoView({ block: "nearest" });
  card.summary.focus({ preventScroll: true });
}

function changed(job) {
  turn += 1;
  jobs = [job, ...jobs.filter(({ id }) => id !== job.id)].sort((one, other) => other.created_at - one.created_at);
  showJobs();
}

function showJobs() {
  const open = jobs.filter(isOpen);
  const shown = [...open, ...jobs.filter((job) => !isOpen(job))].slice(0, Math.max(SHOWN, open.length));
  for (const job of shown) {
    if (!cards.has(job.id)) cards.set(job.id, new JobCard(job, changed));
    cards.get(job.id).show(job);
  }
  place(byId("jobs"), shown.map(({ id }) => cards.get(id).node));
  for (const id of [...cards.keys()]) if (!shown.some((job) => job.id === id)) cards.delete(id);
  setText(byId("jobs-count"), open.length ? `${open.length} under way` : "");
  const rest = jobs.length > shown.length ? `The last ${shown.length} are shown; the API has them all.` : "";
  showText(byId("jobs-rest"), rest);
  const empty = dataset === null
      ? "No model was trained yet. Each version of a dataset has a button for it."
      : "No model was trained on it yet. Each version has a button for it.";
  showText(byId("training-empty"), jobs.length ? "" : empty);
}

