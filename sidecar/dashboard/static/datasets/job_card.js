// One training job: how it stands, what it wrote, and what came of it.

import { act } from "../base/acting.js";
import { getText, post, Refused } from "../base/api.js";
import { badge, bar, element, figure, setText, showLines, showText, stamp } from "../base/dom.js";
import { openForm } from "../base/form_dialog.js";
import { duration, moment, number, percent } from "../base/format.js";
import { knownName } from "../base/name.js";

const STATUSES = {
  queued: ["Queued", "ring", "quiet"],
  running: ["Running", "half", "good"],
  waiting: ["Waiting", "half", "warn"],
  succeeded: ["Succeeded", "tick", "good"],
  failed: ["Failed", "alarm", "bad"],
  cancelled: ["Cancelled", "ring", "quiet"],
  timed_out: ["Timed out", "alarm", "bad"],
};
const AGAINST_BASE = {
  better: ["Better than its base", "tick", "good"],
  worse: ["Worse than its base", "alarm", "warn"],
  mixed: ["In part worse than its base", "half", "warn"],
  same: ["As good as its base", "ring", "quiet"],
};
const OPEN = ["queued", "running", "waiting"];
const LOG_CHARACTERS = 20000; // the end of a log that is shown
const KINDS = [
  { value: "ab", text: "A/B test: a share of the traffic goes to it" },
  { value: "shadow", text: "Shadow test: it gets copies, clients see nothing of it" },
];

/** What is typed as a number goes as one; what is none goes as it is, for the sidecar to say so. */
const amount = (text) => (text === "" || Number.isNaN(Number(text)) ? text : Number(text));

const SHARES = ["config.traffic_split", "config.share"];

const isWorse = ({ against_base: against }) => against === "worse" || against === "mixed";

export const isOpen = ({ status }) => OPEN.includes(status);

export class JobCard {
  /** `changed(job)` is called with the job as it is after an action. */
  constructor(job, changed) {
    this.address = `/api/v1/training-jobs/${encodeURIComponent(job.id)}`;
    this.changed = changed;
    this.busy = false;
    this.logOf = null; // the job's status when its log was read
    this.node = element("details", undefined, "job");
    this.summary = element("summary");
    this.facts = element("ul", undefined, "facts");
    this.progress = element("div", undefined, "progress");
    this.error = element("p", "", "bad error");
    this.against = element("p");
    this.metrics = element("dl", undefined, "figures");
    this.fault = element("p", "", "refused");
    this.fault.setAttribute("role", "alert");
    this.cancel = this.button("Cancel", () => this.askCancel());
    this.deploy = this.button("Deploy", () => this.askDeploy());
    this.log = element("pre", "");
    this.log.tabIndex = 0;
    this.log.setAttribute("aria-label", "The log");
    this.log.setAttribute("role", "region");
    this.logFault = element("p", "", "refused");
    this.node.append(this.summary, this.inside());
    for (const one of [this.fault, this.error, this.logFault]) one.hidden = true;
    // What can't be read now is said by the next refresh.
    this.node.addEventListener("toggle", () => this.node.open && this.loadLog().catch(() => {}));
  }

  inside() {
    const body = element("div", undefined, "inside");
    const actions = element("div", undefined, "actions");
    actions.append(this.deploy, this.cancel, this.fault);
    const parts = element("div", undefined, "parts");
    const log = element("div", undefined, "part log");
    const title = element("h3", "Log ");
    const link = element("a", "as text");
    link.href = `${this.address}/log`;
    title.append(link);
    log.append(title, this.logFault, this.log);
    parts.append(this.metrics, log);
    body.append(this.facts, this.progress, this.error, this.against, actions, parts);
    return body;
  }

  button(text, act) {
    const made = element("button", text);
    made.type = "button";
    made.addEventListener("click", () => this.act(made, act));
    return made;
  }

  show(job) {
    this.job = job;
    const mark = JSON.stringify([job, isOpen(job) ? Math.floor(Date.now() / 1000) : 0]);
    if (this.mark === mark) return;
    this.mark = mark;
    this.showLine();
    showLines(this.facts, factsOf(job));
    showText(this.error, job.error);
    showText(this.against, job.sentence);
    this.against.className = isWorse(job) ? "warn" : "";
    this.progress.hidden = job.progress === null || !isOpen(job);
    const { progress } = job;
    if (progress !== null) this.progress.replaceChildren(bar(progress), element("span", percent(progress), "quiet"));
    const metrics = metricsOf(job);
    this.metrics.hidden = metrics.length === 0;
    this.metrics.replaceChildren(...metrics.map(([name, text]) => figure(name, text)));
    const focused = document.activeElement;
    this.cancel.hidden = !isOpen(job) || job.cancel_requested_at !== null;
    this.deploy.hidden = job.status !== "succeeded";
    setText(this.deploy, job.test_id === null ? "Deploy" : "Deploy again");
    for (const button of [this.cancel, this.deploy]) {
      button.setAttribute("aria-label", `${button.textContent}: ${job.name}`);
    }
    if ([this.cancel, this.deploy].some((button) => button === focused && button.hidden)) this.summary.focus();
  }

  showLine() {
    const { job } = this;
    const mark = JSON.stringify([job.status, job.model_version_id, job.test_id, job.name, job.against_base]);
    if (this.lineMark === mark) return; // a summary made anew every second would never be quiet to a reader
    this.lineMark = mark;
    const title = element("span", undefined, "title");
    const trainer = element("span", job.trainer || job.kind, "tag");
    title.append(badge(...STATUSES[job.status]), element("strong", job.name), trainer);
    if (job.against_base !== null) title.append(badge(...AGAINST_BASE[job.against_base]));
    const what = element("span", undefined, "what quiet");
    const when = element("span");
    when.append("since ", stamp(job.created_at, moment(job.created_at)));
    what.append(element("span", `${job.base_model_id} on ${job.dataset_id} ${job.version_id}`), when);
    const kind = job.test_id === null ? "quiet" : "good";
    const made = job.model_version_id === null ? "" : badge(job.model_version_id, "tick", kind);
    this.summary.replaceChildren(title, what, made);
  }

  isDue() {
    return this.node.open && (isOpen(this.job) || this.logOf !== this.job.status);
  }

  /** Reads the log; what the sidecar refuses is said above it. */
  async loadLog() {
    const { status } = this.job;
    try {
      const text = await getText(`${this.address}/log`);
      const isAtEnd = this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 4;
      const cut = text.length > LOG_CHARACTERS ? `…${text.slice(-LOG_CHARACTERS)}` : text;
      setText(this.log, cut || "Nothing is written yet.");
      if (isAtEnd) this.log.scrollTop = this.log.scrollHeight;
      this.logOf = status;
      showText(this.logFault, "");
    } catch (error) {
      if (error instanceof Refused) showText(this.logFault, `This could not be read just now: ${error.message}`);
      throw error;
    }
  }

  act(button, request) {
    return act(this, button, request);
  }

  askCancel() {
    return openForm({
      title: `Cancel ${this.job.name}?`,
      note: "What it has learnt so far is lost. It can't be undone; a new job can be begun from the same version.",
      button: "Cancel the job",
      serious: true,
      fields: [],
      send: () => post(`${this.address}/cancel`, { by: knownName() }),
    });
  }

  askDeploy() {
    const { job } = this;
    return openForm({
      title: `Put ${job.model_version_id} to the test`,
      note: `${isWorse(job) ? `${job.sentence} ` : ""}Begins at once, against ${job.base_model_id}; it shows under Experiments.`,
      button: "Begin the test",
      fields: [
        { name: "kind", label: "How", kind: "choice", options: KINDS, value: "ab" },
        { name: "share", path: SHARES, label: "Share of the traffic", note: "0.1 is 10 %", value: "0.1" },
        {
          name: "duration_days",
          path: "config.duration_days",
          label: "Days",
          note: "Leave empty to run until it is stopped.",
          value: "7",
        },
        { name: "name", label: "Name of the test", note: "Leave empty: it is named after the job." },
      ],
      send: (values) => post(`${this.address}/deploy`, deployDocument(values)),
    });
  }
}

function deployDocument({ kind, share, duration_days: days, name }) {
  const config = { duration_days: days === "" ? null : amount(days) };
  if (share) config[kind === "ab" ? "traffic_split" : "share"] = amount(share);
  return { kind, name: name || null, config };
}

function factsOf(job) {
  const facts = [];
  if (job.started_at !== null) {
    const until = job.ended_at === null ? Date.now() / 1000 : job.ended_at;
    facts.push({ text: `${job.ended_at === null ? "runs for" : "took"} ${duration(until - job.started_at)}` });
  }
  if (job.ended_at !== null) facts.push({ text: `ended ${moment(job.ended_at)}`, at: job.ended_at });
  if (job.exit_code !== null) facts.push({ text: `exit code ${job.exit_code}`, kind: job.exit_code ? "bad" : "" });
  if (job.by) facts.push({ text: `begun by ${job.by}` });
  if (job.cancel_requested_at !== null || job.cancelled_by) {
    const soon = isOpen(job) ? ", ends soon" : "";
    facts.push({ text: `cancelled by ${job.cancelled_by || "somebody"}${soon}`, kind: "warn" });
  }
  if (job.model_version_id !== null) facts.push({ text: `made ${job.model_version_id}`, kind: "good" });
  if (job.test_id !== null) {
    facts.push({ text: `in the test ${job.test_id}`, href: `/experiments/ab-tests/${encodeURIComponent(job.test_id)}` });
  }
  if (job.note) facts.push({ text: job.note });
  return facts;
}

/** [name, value in words]; a metric that the trainer gives of the base too stands beside it. */
function metricsOf({ metrics }) {
  return Object.entries(metrics)
    .filter(([name]) => !(name.startsWith("base_") && name.slice(5) in metrics))
    .map(([name, value]) => {
      const before = metrics[`base_${name}`];
      return [name, before === undefined ? number(value) : `${number(value)} (base ${number(before)})`];
    });
}
