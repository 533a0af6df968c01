// What can be done about a test: at once where it can be taken back, else after a question.

import { act } from "../base/acting.js";
import { post } from "../base/api.js";
import { element, setText } from "../base/dom.js";
import { openForm } from "../base/form_dialog.js";
import { amount } from "./forms.js";

const OFFERED = {
  running: ["Pause", "Change split", "Stop", "Conclude", "Promote"],
  paused: ["Resume", "Stop", "Conclude", "Promote"],
  completed: ["Promote"],
  stopped: ["Promote"],
  concluded: ["Promote"],
};
const FOR_GOOD = "It can't be undone: a test that has ended does not run again.";

const modelText = (test) => (test.model === "*" ? "all models" : test.model);
const versionsOf = (test) => (test.kind === "shadow_test" ? [test.shadow] : test.variants);

/** Versions that could be promoted: not the one that was, and serves. */
const promotable = (test) => versionsOf(test).filter(({ id }) => id !== test.promoted || id !== test.serving);

function isOffered(verb, test) {
  if (verb === "Conclude" && test.kind === "shadow_test") return false;
  return OFFERED[test.status].includes(verb) && (verb !== "Promote" || promotable(test).length > 0);
}

/** The buttons of a test at `address`; focus falls back to `summary` where no button is left. */
export class TrialActions {
  constructor(address, summary, changed) {
    this.address = address;
    this.summary = summary;
    this.changed = changed;
    this.busy = false;
    this.fault = element("p", "", "refused");
    this.fault.setAttribute("role", "alert");
    this.fault.hidden = true;
    this.buttons = new Map(
      Object.entries({
        Pause: () => this.send("pause", {}),
        Resume: () => this.send("resume", {}),
        "Change split": () => this.changeSplit(),
        Stop: () => this.stop(),
        Conclude: () => this.conclude(),
        Promote: () => this.promote(),
      }).map(([text, act]) => [text, this.button(text, act)]),
    );
    this.node = element("div", undefined, "actions");
    this.node.append(...this.buttons.values(), this.fault);
  }

  button(text, act) {
    const made = element("button", text);
    made.type = "button";
    made.addEventListener("click", () => this.act(made, act));
    return made;
  }

  show(test, results) {
    this.test = test;
    this.results = results;
    const focused = document.activeElement;
    for (const [verb, button] of this.buttons) {
      button.hidden = !isOffered(verb, test);
      const text = verb === "Promote" && promotable(test).length < versionsOf(test).length ? "Promote another" : verb;
      setText(button, text);
      button.setAttribute("aria-label", `${text}: ${test.name}`);
    }
    // Whoever works by keyboard stays at the test when the button in use goes.
    if (this.node.contains(focused) && focused.hidden) {
      ([...this.buttons.values()].find((button) => !button.hidden) || this.summary).focus();
    }
  }

  act(button, request) {
    return act(this, button, request);
  }

  send(verb, document) {
    return post(`${this.address}/${verb}`, document);
  }

  /** Another share of the traffic: a new epoch begins. */
  changeSplit() {
    const { test } = this;
    const shadow = test.kind === "shadow_test";
    const treatments = shadow ? [test.shadow] : test.variants.slice(1);
    const path = shadow ? "share" : "traffic_split";
    return openForm({
      title: `Change the split of ${test.name}`,
      note: "A new epoch begins; figures of both splits are kept apart.",
      button: "Change it",
      fields: treatments.map(({ id, variant, share }) => ({
        name: variant,
        path: treatments.length > 1 ? `${path}.${variant}` : path,
        label: `Share of ${id}`,
        note: "0.1 is 10 %",
        value: String(share),
        required: true,
      })),
      send: (values) => this.send("ramp", { [path]: this.splitOf(values, treatments) }),
    });
  }

  splitOf(values, treatments) {
    if (treatments.length === 1) return amount(values[treatments[0].variant]);
    return Object.fromEntries(Object.entries(values).map(([variant, text]) => [variant, amount(text)]));
  }

  stop() {
    const { test } = this;
    const serves = `${test.serving} serves all traffic of ${modelText(test)}`;
    const then = test.kind === "ab_test" ? `From then on ${serves}.` : `No request is copied any more; ${serves}.`;
    return openForm({
      title: `Stop ${test.name}?`,
      note: `${then} ${FOR_GOOD}`,
      button: "Stop it",
      serious: true,
      fields: [{ name: "reason", label: "Why (may be empty)" }],
      send: ({ reason }) => this.send("stop", { reason }),
    });
  }

  conclude() {
    const { test } = this;
    const options = test.variants.map(({ id, variant }) => ({ value: variant, text: id }));
    return openForm({
      title: `Conclude ${test.name}?`,
      note:
        `The decision is kept with the results. From then on ${test.serving} serves all traffic of ${modelText(test)}, ` +
        `until another version is promoted. ${FOR_GOOD}`,
      button: "Conclude it",
      serious: true,
      fields: [
        {
          name: "winner",
          label: "Decided for",
          kind: "choice",
          options: [{ value: "", text: "none" }, ...options],
          value: this.winner(),
        },
        { name: "note", label: "Note (may be empty)" },
      ],
      send: ({ winner, note }) => this.send("conclude", { winner: winner || null, note }),
    });
  }

  promote() {
    const { test } = this;
    const ends = test.ended_at === null ? " The test ends with that, and does not run again." : "";
    const note =
      `It serves all traffic of ${modelText(test)} from now on, until another version is promoted; ` +
      `at present ${test.serving} serves.${ends}`;
    if (test.kind === "shadow_test") {
      return openForm({
        title: `Promote ${test.shadow.id}?`,
        note,
        button: "Promote it",
        serious: true,
        fields: [],
        send: () => this.send("promote", {}),
      });
    }
    return openForm({
      title: "Promote a version?",
      note,
      button: "Promote it",
      serious: true,
      fields: [
        {
          name: "variant",
          label: "Version",
          kind: "choice",
          options: promotable(test).map(({ id, variant }) => ({ value: variant, text: id })),
          value: this.winner() || test.variants[1].variant, // else the first
        },
      ],
      send: ({ variant }) => this.send("promote", { variant }),
    });
  }

  winner() {
    return (this.results && this.results.winner) || "";
  }
}
