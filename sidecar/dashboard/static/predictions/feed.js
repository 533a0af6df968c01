// The list as it grows: newest first, older ones page by page, and what arrived since. It shows nothing itself.

import { get } from "../base/api.js";

const ROWS = 25; // of a page
export const ROWS_MAX = 500;
const FURTHER = 8; // short pages in a row that are asked for without being told to
const NEW_MAX = 50;
const OVERLAP_S = 30; // what is recorded, or has its image kept, later than what is newer than it

/** Epoch seconds of a time as the address has it: a number, or RFC 3339. */
function secondsOf(text, otherwise) {
  if (!text) return otherwise;
  return Number.isNaN(Number(text)) ? Date.parse(text) / 1000 : Number(text);
}

export class Feed {
  /** `changed()` follows each change. */
  constructor(changed) {
    this.changed = changed;
    this.begin({}, 0);
  }

  /** From here on for `asked`, as the API takes it, at `now` in epoch seconds. */
  begin(asked, now) {
    this.asked = asked;
    this.now = now;
    this.items = [];
    this.fresh = [];
    this.freshAreMore = false;
    this.next = null;
    this.isLoaded = false;
    this.isBusy = false;
    this.isShort = false; // less was found than asked for, though there may be more further back
    this.turn = (this.turn || 0) + 1;
  }

  /** The first rows; those from `top` (epoch seconds) on, `rows` of them, where that is given. */
  async load({ top, rows = ROWS } = {}) {
    const from = top === undefined ? {} : { until: Math.min(top + 1e-5, secondsOf(this.asked.until, Infinity)) };
    await this.fill(Math.min(rows, ROWS_MAX), from);
  }

  get mayHaveMore() {
    return this.next !== null;
  }

  get isAll() {
    return this.isLoaded && !this.mayHaveMore;
  }

  get isFull() {
    return this.items.length >= ROWS_MAX;
  }

  async older() {
    if (this.isBusy || !this.mayHaveMore || this.isFull) return;
    await this.fill(this.items.length + ROWS, {});
  }

  async fill(wanted, more) {
    const { turn } = this;
    this.isBusy = true;
    this.changed();
    try {
      for (let asked = 0; asked < FURTHER && this.items.length < wanted && !this.isAll; asked += 1) {
        const cursor = this.next === null ? {} : { cursor: this.next };
        const page = await get(this.path({ ...this.asked, ...more, ...cursor, limit: wanted - this.items.length }));
        if (turn !== this.turn) return;
        const known = new Set(this.items.map((item) => item.prediction_id));
        this.items = [...this.items, ...page.items.filter((item) => !known.has(item.prediction_id))];
        this.next = page.next;
        this.isLoaded = true;
        this.changed();
      }
    } finally {
      if (turn === this.turn) this.isBusy = false;
    }
    this.isShort = this.mayHaveMore && this.items.length < wanted;
    this.changed();
  }

  /** Looks what arrived since; `ask` is a GET of the API. */
  async look(ask) {
    if (this.isBusy || !this.isLoaded || this.asked.until) return;
    const { turn } = this;
    const newest = this.items.length ? this.items[0].at : this.now;
    const since = Math.max(newest - OVERLAP_S, secondsOf(this.asked.since, 0));
    const page = await ask(this.path({ ...this.asked, since, limit: NEW_MAX }));
    if (turn !== this.turn || this.isBusy) return;
    const kept = new Map(page.items.map((item) => [item.prediction_id, item.sample_id]));
    this.items = this.items.map((item) => ({ ...item, sample_id: kept.get(item.prediction_id) ?? item.sample_id }));
    const known = new Set(this.items.map((item) => item.prediction_id));
    const last = this.items[this.items.length - 1];
    const end = last && this.mayHaveMore ? last.at : 0; // what is older than the last row is not new
    this.fresh = page.items.filter((item) => !known.has(item.prediction_id) && item.at > end);
    this.freshAreMore = this.fresh.length === page.items.length && page.next !== null;
    if (!this.items.length) this.takeFresh();
    this.changed();
  }

  /** Puts what arrived on top. False where there is more than is at hand: then the list is to be begun anew. */
  takeFresh() {
    if (this.freshAreMore) return false;
    this.items = [...this.fresh, ...this.items].sort((one, other) => other.at - one.at).slice(0, ROWS_MAX);
    this.fresh = [];
    this.changed();
    return true;
  }

  path(params) {
    return `/api/v1/predictions?${new URLSearchParams(params)}`;
  }
}
