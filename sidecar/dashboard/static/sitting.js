// One reviewer's sitting at one queue: what is under the hands, what was done, what is put aside. No page in here.

import { get, post, postLast, Refused } from "./api.js";
import { dropClaim, isOwnClaim, noteClaim } from "./own_claims.js";
import { imageOf } from "./stage.js";

const LEASE_S = 600;
const RENEW_AFTER_MS = 240000;
const DONE_MAX = 200; // actions that can be taken back
const HELD_MAX = 1000; // items of a reviewer among which those of this tab are looked for
const LOST = ["by", "claimed_by", "status", "item", "item_id", "reviewed_by", "revision"];

/** Whether an error says that the item is no longer one's own to decide. */
export function isLost(error) {
  if (!(error instanceof Refused)) return false;
  return error.status === 404 || (error.status === 409 && error.faults.some(({ field }) => LOST.includes(field)));
}

/** What the sidecar says against it, without the names of fields. */
export function reasonOf(error) {
  const told = (error.faults || []).map(({ message }) => message).join("; ");
  return told || error.message;
}

const addressOf = (id) => `/api/v1/items/${encodeURIComponent(id)}`;

export class Sitting {
  constructor(datasetId, queue, by) {
    this.queue = queue;
    this.by = by;
    this.address = `/api/v1/datasets/${encodeURIComponent(datasetId)}`;
    this.item = null;
    this.labels = null; // those that an item had that is taken up again
    this.claimedAt = 0;
    this.renewed = null; // resolves once the lease is renewed, and with it the revision
    this.done = []; // {verb, item, labels}, the last one last
    this.reviewed = 0;
    this.skipped = []; // items put aside: still claimed, so that the queue does not give them again
    this.ahead = []; // items that were put off by an undo: the next ones
    this.dataset = null;
    this.preloaded = null;
  }

  /** Takes the next item: one that was put off, one still held from a former visit, the first of the queue, else one
   * that was skipped. Null where there is none. */
  async next() {
    this.item = null;
    const off = this.ahead.pop();
    if (off) return this.take(await this.claim(off.item.id), off.labels);
    const found = (await this.heldBefore()) || (await this.claimNext());
    if (found) return this.take(found, null);
    const skipped = this.skipped.shift();
    if (!skipped) return null;
    return this.take(await this.claim(skipped.item.id), skipped.labels);
  }

  take(item, labels) {
    this.renewed = null;
    this.item = item;
    this.labels = labels;
    this.claimedAt = Date.now();
    return item;
  }

  /** After a reload a tab still holds what was on its screen; what other tabs hold is left to them. */
  async heldBefore() {
    if (this.hasLooked) return null;
    this.hasLooked = true;
    const { by, queue } = this;
    const filters = new URLSearchParams({ status: "in_review", claimed_by: by, queue, limit: HELD_MAX });
    for (const held of (await get(`${this.address}/items?${filters}`)).items) {
      if (await isOwnClaim(held)) return this.claim(held.id);
    }
    return null;
  }

  async claimNext() {
    const { item } = await post(`${this.address}/claim`, { by: this.by, queue: this.queue, lease_s: LEASE_S });
    if (item) await noteClaim(item);
    const isAside = item && this.skipped.some((one) => one.item.id === item.id);
    if (isAside) this.skipped = this.skipped.filter((one) => one.item.id !== item.id);
    return item;
  }

  async claim(id) {
    const item = await post(`${addressOf(id)}/claim`, { by: this.by, lease_s: LEASE_S });
    await noteClaim(item);
    return item;
  }

  /** Makes the lease longer where the work on an item takes long; what goes wrong is met when it is saved. */
  renew() {
    const { item } = this;
    if (!item || Date.now() - this.claimedAt < RENEW_AFTER_MS) return;
    this.claimedAt = Date.now();
    // Whether one that got no answer was renewed is not known, and so neither is its revision: then none is sent.
    const renewed = this.claim(item.id).then(({ revision }) => revision, () => null);
    this.renewed = renewed.then((revision) => {
      item.revision = revision;
    });
  }

  /** `verb` is confirm, label or reject; `labels` are shown again after an undo. The item as it is then, null where
   * none is under the hands any more. */
  async decide(verb, document, labels) {
    const { item } = this;
    if (!item) return null;
    await this.renewed;
    const body = { by: this.by, revision: item.revision, ...document };
    const decided = await post(`${addressOf(item.id)}/${verb}`, body).catch((error) => {
      // It may have arrived all the same, and then made a revision: the next try must not fail of that.
      if (!(error instanceof Refused) || error.status >= 500) item.revision = null;
      throw error;
    });
    this.remember({ verb, item, labels });
    this.reviewed += 1;
    if (this.item === item) this.item = null;
    await dropClaim(item);
    return decided;
  }

  /** Puts the item aside without a word on it. */
  skip(labels) {
    const { item } = this;
    if (!item) return;
    this.skipped.push({ item, labels });
    this.remember({ verb: "skip", item, labels });
    this.item = null;
  }

  remember(entry) {
    this.done.push(entry);
    if (this.done.length > DONE_MAX) this.done.shift();
  }

  /** Takes back what this reviewer decided of an item, which may be more than one answer told of. */
  async takeBack(id) {
    const undo = () => post(`${addressOf(id)}/undo`, { by: this.by });
    const { status, reviewed_by: by } = await undo();
    if (["labeled", "rejected"].includes(status) && by === this.by) await undo();
  }

  /** Takes back the last action; the item comes under the hands again, and what was there comes next. The entry. */
  async undo(labels) {
    const entry = this.done.at(-1);
    if (!entry) return null;
    const isSkip = entry.verb === "skip";
    try {
      if (!isSkip) await this.takeBack(entry.item.id);
    } catch (error) {
      if (isLost(error)) this.done.pop(); // else it would stand before all that was done earlier
      throw error;
    }
    this.done.pop();
    if (isSkip) this.skipped = this.skipped.filter(({ item }) => item.id !== entry.item.id);
    else this.reviewed -= 1;
    if (this.item && this.item.id !== entry.item.id) this.ahead.push({ item: this.item, labels });
    this.item = null;
    this.take(await this.claim(entry.item.id), entry.labels);
    return entry;
  }

  /** Reads how the dataset stands, and has the browser load the image that comes next. */
  async lookAhead() {
    const filters = new URLSearchParams({ status: "needs_review", queue: this.queue, limit: "1" });
    const [dataset, page] = await Promise.all([get(this.address), get(`${this.address}/items?${filters}`)]);
    this.dataset = dataset;
    const [next] = page.items;
    if (!next) return;
    this.preloaded = new Image();
    this.preloaded.src = imageOf(next.id);
  }

  /** Gives back all that is held; also when the page goes away. */
  leave() {
    const held = [...(this.item ? [this.item] : []), ...[...this.skipped, ...this.ahead].map(({ item }) => item)];
    this.item = null;
    this.skipped = [];
    this.ahead = [];
    for (const { id } of held) postLast(`${addressOf(id)}/release`, { by: this.by });
  }
}
