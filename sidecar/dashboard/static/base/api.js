// Asks the public API. What can go wrong has three kinds: logged out, refused (with a reason in words), no answer.

const ANSWER_MS = 20000;
const SLOW_MS = 120000;

/** How long to wait for what takes its time: a version made, labels taken in. */
export const LONG_MS = 600000;

export class LoggedOut extends Error {}

export class NoAnswer extends Error {
  constructor() {
    super("no answer from the sidecar");
  }
}

export class Refused extends Error {
  /** `faults` are {field, message}, one for each part of the request that is wrong. */
  constructor(status, detail, faults = []) {
    super(status === 403 ? `not permitted; ${detail}` : detail);
    this.status = status;
    this.faults = faults;
  }
}

/** Leads to the form for the token, and from there back to where one was. */
export function toLogin() {
  location.assign(`/login?${new URLSearchParams({ next: location.pathname + location.search })}`);
}

export const get = (path) => ask(path, {});

/** Gets what `begin` asked for. */
export const getBegun = (path, begun) => ask(path, { begun });

/** Asks without waiting for the answer. */
export function begin(path) {
  const answer = request(path, ANSWER_MS, {});
  answer.catch(() => {}); // whoever takes it up is told
  return answer;
}

/** The same of what takes its time to answer: a comparison of long periods. */
export const getSlow = (path) => ask(path, { wait_ms: SLOW_MS });

export const post = (path, document, wait_ms = ANSWER_MS) => send(path, JSON.stringify(document), wait_ms);

/** Changes a thing that nobody else changed since it had `etag`. */
export function patch(path, document, etag) {
  const headers = etag ? { ...JSON_BODY, "If-Match": etag } : JSON_BODY;
  return ask(path, { method: "PATCH", headers, body: JSON.stringify(document) });
}

/** Posts where there is nothing to say; it may take its time. */
export const postNothing = (path) => ask(path, { method: "POST", wait_ms: SLOW_MS });

export const remove = (path) => ask(path, { method: "DELETE" });

/** `body` is a file of JSON, which goes as it is. */
export const upload = (path, body) => send(path, body, LONG_MS);

/** Posts also when the page goes away, and does not wait for an answer. */
export function postLast(path, document) {
  const options = { method: "POST", headers: JSON_BODY, body: JSON.stringify(document), keepalive: true };
  fetch(path, options).catch(() => {});
}

/** What is no JSON but text. */
export function getText(path) {
  return ask(path, { headers: { Accept: "text/plain, application/problem+json" } }, (answer) => answer.text());
}

const JSON_BODY = { "Content-Type": "application/json" };

function send(path, body, wait_ms) {
  return ask(path, { method: "POST", headers: JSON_BODY, body, wait_ms });
}

function request(path, wait_ms, options) {
  const headers = { Accept: "application/json", ...options.headers };
  return fetch(path, { ...options, headers, signal: AbortSignal.timeout(wait_ms) });
}

async function ask(path, { wait_ms = ANSWER_MS, begun, ...options }, read = (answer) => answer.json()) {
  let answer;
  let document;
  try {
    answer = await (begun || request(path, wait_ms, options));
    document = await (answer.ok ? read(answer) : answer.json());
  } catch {
    if (!answer || answer.ok) throw new NoAnswer();
    document = {}; // an error without a problem document: its status has to do
  }
  if (answer.status === 401) throw new LoggedOut();
  if (!answer.ok) throw new Refused(answer.status, reason(document, answer.status), document.errors);
  return document;
}

function reason(problem, status) {
  return typeof problem.detail === "string" && problem.detail ? problem.detail : `error ${status}`;
}
