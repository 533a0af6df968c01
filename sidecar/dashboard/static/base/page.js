// What every page does: asks the public API every few seconds and shows the answers, each section by itself; and the
// frame around it, which says how the sidecar is.

import { get, LoggedOut, NoAnswer, Refused, toLogin } from "./api.js";
import { byId, setText, showText } from "./dom.js";
import { plural } from "./format.js";
import { startKeys } from "./keys.js";
import { startName } from "./name.js";

const REFRESH_MS = 5000;
let again = null; // ends the wait for the next round
let isDue = false; // a round was asked for while one was under way, whose answers may be of before

/**
 * Runs a page: `start` makes what is on it work, once. `sections` are functions by name, called every round with `ask`:
 * a GET of the API, asked once a round however many sections want it. What the sidecar refuses is said in
 * `#NAME-fault`, and the other sections go on.
 */
export async function runPage({ start = () => {}, sections = {}, everyMs = REFRESH_MS }) {
  startName();
  startKeys();
  showWhere();
  start();
  for (;;) {
    isDue = false;
    if (!document.hidden) {
      try {
        await round({ status: showStatus, ...sections });
      } catch (error) {
        if (error instanceof LoggedOut) return toLogin();
        if (error instanceof NoAnswer) showState("No answer from the sidecar; trying again", "bad");
        else {
          showState("This page went wrong; reload it", "bad");
          console.error(error);
        }
      }
    }
    if (!isDue) await wait(everyMs);
  }
}

/** Where the navigation is wider than the screen, the page that is shown is in sight. */
function showWhere() {
  const nav = document.querySelector(".pages");
  const { offsetLeft, offsetWidth } = nav.querySelector("[aria-current]");
  nav.scrollLeft = offsetLeft - nav.offsetLeft - (nav.clientWidth - offsetWidth) / 2;
}

/** Asks again at once: after what a person did, in place of the wait for the next round. */
export function refreshNow() {
  if (again) again();
  else isDue = true;
}

/** Does the work of a section; what the sidecar refuses is said there, and the other sections go on. */
export async function section(name, work) {
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

async function round(sections) {
  const asked = new Map();
  const ask = (path) => {
    if (!asked.has(path)) asked.set(path, get(path));
    return asked.get(path);
  };
  const works = Object.entries(sections).map(([name, work]) => section(name, () => work(ask)));
  const results = await Promise.allSettled(works);
  const errors = results.filter(({ status }) => status === "rejected").map(({ reason }) => reason);
  const loggedOut = errors.find((error) => error instanceof LoggedOut);
  if (errors.length) throw loggedOut || errors[0];
}

/** Until the next round is due, or the page is looked at again, or `refreshNow` was called. */
function wait(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      again = null;
      resolve();
    };
    const seen = () => document.hidden || done();
    const timer = setTimeout(done, ms);
    document.addEventListener("visibilitychange", seen);
    again = done;
  });
}

function showState(text, kind) {
  const state = byId("state");
  setText(state, text);
  state.className = `state ${kind}`;
}

async function showStatus(ask) {
  const status = await ask("/api/v1/status");
  const firing = status.alerts.firing || 0;
  if (!status.ok) showState("Needs attention", "bad");
  else if (firing) showState(`${plural(firing, "alert", "alerts")} firing`, "bad");
  else showState("All well", "good");
  byId("state").href = status.ok && firing ? "/alerts" : "/settings";
  showText(byId("nav-alerts"), firing ? String(firing) : "");
  setText(byId("version"), status.version ? `Version ${status.version}` : "");
}
