// The items that a sitting holds of a queue: the one after this is claimed ahead, so that nobody waits for it. No page
// in here.

import { get, post, postLast } from "../base/api.js";
import { dropClaim, isOwnClaim, noteClaim } from "./own_claims.js";
import { imageOf } from "./stage.js";

const LEASE_S = 600;
const RENEW_AFTER_MS = 240000;
const HELD_MAX = 1000; // items of a reviewer among which those of this tab are looked for

export const addressOf = (id) => `/api/v1/items/${encodeURIComponent(id)}`;

export class Claims {
  constructor(datasetId, queue, by) {
    this.queue = queue;
    this.by = by;
    this.address = `/api/v1/datasets/${encodeURIComponent(datasetId)}`;
    this.ahead = null; // {item: a promise of the next item or null, at}
    this.hasLooked = false;
    this.isOver = false;
  }

  /** The next item: the one that was claimed ahead, else the first of the queue; null where there is none. */
  async next() {
    const { ahead } = this;
    this.ahead = null;
    const item = ahead && (await ahead.item.catch(() => null));
    if (!item) return this.claimNext();
    if (Date.now() - ahead.at < RENEW_AFTER_MS) return item;
    return this.claim(item.id).catch(() => this.claimNext()); // it may be another's by now
  }

  /** Claims what comes next and has the browser read its image. A courtesy: what fails here is met when it is due. */
  reserve() {
    if (this.ahead || this.isOver) return;
    const item = this.claimNext();
    this.ahead = { item, at: Date.now() };
    item.then((found) => found && this.preload(found)).catch(() => {});
  }

  async preload({ id }) {
    const image = Object.assign(new Image(), { src: imageOf(id) });
    this.preloaded = image; // held, so that what is decoded stays
    await image.decode();
  }

  /** What this tab held before a reload; what other tabs hold is left to them. */
  async heldBefore() {
    if (this.hasLooked) return [];
    this.hasLooked = true;
    const { by, queue } = this;
    const filters = new URLSearchParams({ status: "in_review", claimed_by: by, queue, limit: HELD_MAX });
    const own = [];
    for (const held of (await get(`${this.address}/items?${filters}`)).items) {
      if (await isOwnClaim(held)) own.push(held);
    }
    return own;
  }

  async claimNext() {
    const { item } = await post(`${this.address}/claim`, { by: this.by, queue: this.queue, lease_s: LEASE_S });
    if (item) await noteClaim(item);
    if (item && this.isOver) this.release(item.id);
    return item;
  }

  async claim(id) {
    const item = await post(`${addressOf(id)}/claim`, { by: this.by, lease_s: LEASE_S });
    await noteClaim(item);
    return item;
  }

  /** Makes the lease of `item` longer, which was claimed `at`, and that of the one ahead, where that is due. The promise
   * of its revision, null where it is not due. */
  renew(item, at) {
    const { ahead } = this;
    if (ahead && Date.now() - ahead.at > RENEW_AFTER_MS) {
      this.ahead = { at: Date.now(), item: ahead.item.then((found) => found && this.claim(found.id)) };
      this.ahead.item.catch(() => {});
    }
    if (Date.now() - at < RENEW_AFTER_MS) return null;
    // Whether one that got no answer was renewed is not known, and so neither is its revision: then none is sent.
    return this.claim(item.id).then(({ revision }) => revision, () => null);
  }

  drop(item) {
    return dropClaim(item);
  }

  release(id) {
    postLast(`${addressOf(id)}/release`, { by: this.by });
  }

  /** Gives back what is held ahead and all of `ids`; also when the page goes away. */
  leave(ids) {
    this.isOver = true;
    for (const id of ids) this.release(id);
    const { ahead } = this;
    this.ahead = null;
    // What is still on its way is given back by claimNext.
    if (ahead) ahead.item.then((item) => item && this.release(item.id)).catch(() => {});
  }
}
