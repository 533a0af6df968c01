// How the sidecar itself is: what is wrong first, then workers, store, what waits, what was left out.

import { byId, setText, showLines } from "../base/dom.js";
import { bytes, count, duration, moment, plural } from "../base/format.js";
import { concernsOfCertificates, showCertificates } from "./certificates.js";
import { showLeftOut, showLimits, showSamples } from "./left_out.js";
import { showBacklog, showOutbox } from "./stages.js";
import { showStore } from "./store.js";
import { adviceOn, isLoss, STAGES } from "./words.js";
import { showWorkers } from "./workers.js";

const NEARLY_FULL = 0.95;
const DISK_LOW_BYTES = 2e9;
const BEHIND = 0.5;
const OUTBOX_LATE_S = 900;

export async function refreshHealth(ask) {
  const status = await ask("/api/v1/status");
  byId("health").hidden = false;
  byId("health-empty").hidden = true;
  setText(byId("health-life"), lifeOf(status));
  showVerdict(status);
  showWorkers(status.workers, status.settings_version);
  showCertificates(status.certificates);
  showStore(status.store);
  showBacklog(status.backlog);
  showOutbox(status.outbox, status.backlog.find(({ stage }) => stage === "notifications"));
  showLeftOut(status.dropped);
  showLimits(status.limits_hit);
  showSamples(status.samples);
}

function lifeOf({ version, uptime_s, started_at, requests }) {
  const of = version ? `Version ${version}, ` : "";
  return `${of}up ${duration(uptime_s)} (since ${moment(started_at)}), ${plural(requests, "request", "requests")}`;
}

function showVerdict(status) {
  const concerns = concernsOf(status);
  const kind = status.faults.length ? "bad" : concerns.length ? "warn" : "good";
  byId("health-verdict").className = `verdict ${kind}`;
  setText(byId("health-sentence"), sentenceOf(status.faults.length, concerns.length));
  showLines(byId("health-faults"), status.faults.map((fault) => ({ text: [fault, adviceOn(fault)].filter(Boolean).join(". ") })));
  showLines(byId("health-concerns"), concerns.map((text) => ({ text })));
}

function sentenceOf(faults, concerns) {
  if (faults) return `${plural(faults, "thing is", "things are")} wrong. Traffic is proxied all the same.`;
  if (concerns) return "Nothing is broken, but this is worth a look:";
  return "All well: every worker serves, the model servers are up, the store takes writes, and nothing was lost.";
}

/** What is no fault yet, the most urgent first. */
function concernsOf({ store, backlog, dropped, outbox, workers, settings_version, certificates }) {
  const found = concernsOfCertificates(certificates);
  if (store.disk_free_bytes && store.disk_free_bytes < DISK_LOW_BYTES) {
    found.push(`Only ${bytes(store.disk_free_bytes)} are free on the disk. Once it is full nothing is recorded.`);
  }
  for (const { stage, bytes: held, bytes_max } of backlog) {
    if (bytes_max && held > BEHIND * bytes_max) {
      found.push(`The monitor is behind: ${bytes(held)} of ${bytes(bytes_max)} wait ${STAGES[stage]?.where || `at ${stage}`}.`);
    }
  }
  const lost = dropped.filter(({ stage }) => isLoss(stage)).reduce((sum, one) => sum + one.count, 0);
  if (lost) found.push(`${count(lost)} were not recorded since the start; below stands why.`);
  if (store.bytes_max && store.used_bytes > NEARLY_FULL * store.bytes_max) {
    found.push("The store takes nearly all that it may, so the oldest images and predictions go before their age.");
  }
  for (const worker of workers) {
    if (worker.connected && worker.settings_version !== null && worker.settings_version < settings_version) {
      found.push(`Worker ${worker.worker} does not follow the newest settings yet. That takes a second; if it stays, its log says why.`);
    }
  }
  for (const { destination, oldest_age_s } of outbox) {
    if (oldest_age_s > OUTBOX_LATE_S) found.push(`${destination} has not taken summaries for ${duration(oldest_age_s)}.`);
  }
  return found;
}
