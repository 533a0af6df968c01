// Asks the public API. What can go wrong has three kinds: logged out, refused (with a reason in words), no answer.

const ANSWER_MS = 20000;

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

export const get = (path) => ask(path, {});

export function post(path, document) {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(document),
  });
}

async function ask(path, options) {
  let answer;
  let document;
  try {
    answer = await fetch(path, {
      ...options,
      headers: { Accept: "application/json", ...options.headers },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    document = await answer.json();
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
