// One reviewer's sitting at one queue: what is under the hands, what was done, what is put aside. No page in here.

import { get, post, Refused } from "../base/api.js";
import { addressOf, Claims } from "./claims.js";
import { Pace } from "./pace.js";
import { waitingByValue } from "./words.js";

const DONE_MAX = 200; // actions that can be taken back
const SENDING_MAX = 8; // decisions under way; for one more the screen waits
const COUNTED_EVERY_MS = 5000;
const LOOKED_AT = 100; // items whose predictions tell which classes there are
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

/** Whether an item was opened as it was reviewed: nobody claims it, and a decision on it is a correction. */
const isReviewed = ({ status }) => ["labeled", "rejected"].includes(status);

export class Sitting {
  /** `failed(entry, error)` is called where a decision that was sent meanwhile was not taken, `sends(n)` whenever another
   * number of them is under way. */
  constructor(dataset, queue, by, { failed, sends }) {
    this.queue = queue;
    this.by = by;
    this.dataset = dataset;
    this.failed = failed;
    this.sends = sends;
    this.claims = new Claims(dataset.id, queue, by);
    this.isSingle = false; // one item was opened by its address, and no other is given out
    this.item = null;
    this.labels = null; // those that an item had that is taken up again
    this.faults = []; // what the sidecar had against those
    this.claimedAt = 0;
    this.renewed = null; // resolves once the lease is renewed, and with it the revision
    this.done = []; // {verb, item, labels}, the last one last
    this.reviewed = 0;
    this.skipped = []; // {item, labels}, put aside: still claimed, so that the queue does not give them again
    this.off = []; // {item, labels, faults, isFailed}, put off: the next ones, the last first
    this.sending = new Set(); // promises of decisions under way
    this.pace = new Pace(Date.now());
    this.countedAt = 0;
    this.counted = 0; // of `reviewed`, when they were counted
  }

  /** What is predicted on items of the dataset, the most frequent first. */
  async predictedClasses() {
    const { items } = await get(`/api/v1/datasets/${encodeURIComponent(this.dataset.id)}/items?limit=${LOOKED_AT}`);
    const counts = new Map();
    for (const { label } of items.flatMap(({ detections }) => detections || [])) {
      counts.set(label, (counts.get(label) || 0) + 1);
    }
    return [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one) || one.localeCompare(other));
  }

  /** Takes the next item: one that was put off, one still held from a former visit, the first of the queue, else one
   * that was skipped. Null where there is none. */
  async next() {
    this.item = null;
    const off = this.off.pop();
    if (off) return this.takeAgain(off);
    if (this.isSingle) return null;
    const [held, ...others] = await this.claims.heldBefore();
    for (const item of others.reverse()) this.off.push({ item, labels: null });
    const found = held ? await this.claims.claim(held.id) : await this.claims.next();
    const isAside = found && this.skipped.some((one) => one.item.id === found.id);
    if (isAside) this.skipped = this.skipped.filter((one) => one.item.id !== found.id);
    if (found) return this.take(found);
    const skipped = this.skipped.shift();
    return skipped ? this.takeAgain(skipped) : null;
  }

  /** Takes an item by its id. One that is reviewed is shown as it was labeled, and saving corrects it. */
  async open(id) {
    this.isSingle = true;
    const found = await get(addressOf(id));
    return this.take(isReviewed(found) ? found : await this.claims.claim(id));
  }

  take(item, labels = null, faults = []) {
    this.renewed = null;
    this.item = item;
    this.labels = labels;
    this.faults = faults;
    this.claimedAt = Date.now();
    return item;
  }

  async takeAgain({ item, labels, faults, isReviewed: isDone, isFailed }) {
    const stands = isFailed ? await get(addressOf(item.id)) : item;
    // The decision whose answer was lost arrived: what is said now replaces it, and one undo takes back both.
    if (!isDone && isReviewed(stands) && stands.reviewed_by === this.by) {
      return this.take({ ...stands, status: "in_review", reviewed_by: "" }, labels, faults);
    }
    if (isDone) return this.take(await get(addressOf(item.id)), labels, faults);
    return this.take(await this.claims.claim(item.id), labels, faults);
  }

  /** Has what comes next ready. */
  reserve() {
    if (!this.isSingle && !this.off.length) this.claims.reserve();
  }

  /** Makes the lease longer where the work on an item takes long; what goes wrong is met when it is saved. */
  renew() {
    const { item } = this;
    if (!item || isReviewed(item)) return;
    const renewed = this.claims.renew(item, this.claimedAt);
    if (!renewed) return;
    this.claimedAt = Date.now();
    this.renewed = renewed.then((revision) => {
      item.revision = revision;
    });
  }

  /** Sends a decision; the item as it is then. `verb` is confirm, label or reject. */
  async send(item, renewed, verb, document) {
    await renewed;
    const body = { by: this.by, revision: item.revision, ...document };
    const decided = await post(`${addressOf(item.id)}/${verb}`, body).catch((error) => {
      // It may have arrived all the same, and then made a revision: the next try must not fail of that.
      if (!(error instanceof Refused) || error.status >= 500) item.revision = null;
      throw error;
    });
    await this.claims.drop(item);
    return decided;
  }

  /** Decides and waits for the answer; `labels` are shown again after an undo. Null where nothing is under the hands. */
  async decide(verb, document, labels) {
    const { item, renewed } = this;
    if (!item) return null;
    const decided = await this.send(item, renewed, verb, document);
    this.note({ verb, item, labels });
    if (this.item === item) this.item = null;
    return decided;
  }

  /** Decides without waiting: the answer comes while the next image is looked at. Where it was not taken `failed` is
   * told. Waits only where too many are under way. */
  async decideMeanwhile(verb, document, labels) {
    const { item, renewed } = this;
    if (!item) return;
    const entry = { verb, item, labels };
    this.note(entry);
    this.item = null;
    const isOver = () => {
      this.sending.delete(sent);
      this.sends(this.sending.size);
    };
    const sent = this.send(item, renewed, verb, document).then(isOver, (error) => {
      isOver();
      this.done = this.done.filter((one) => one !== entry);
      this.reviewed -= 1;
      this.failed(entry, error);
    });
    this.sending.add(sent);
    this.sends(this.sending.size);
    if (this.sending.size >= SENDING_MAX) await Promise.race(this.sending);
  }

  note(entry) {
    this.remember(entry);
    this.reviewed += 1;
    this.pace.decided(Date.now());
  }

  /** An item whose decision was not taken comes after the one that is under the hands. */
  putOff(entry, faults = []) {
    this.off.push({ ...entry, faults, isFailed: true, isReviewed: isReviewed(entry.item) });
  }

  /** Puts the item aside without a word on it. */
  skip(labels) {
    const { item } = this;
    if (!item) return;
    if (!isReviewed(item)) this.skipped.push({ item, labels });
    this.remember({ verb: "skip", item, labels });
    this.pace.decided(Date.now());
    this.item = null;
  }

  remember(entry) {
    this.done.push(entry);
    if (this.done.length > DONE_MAX) this.done.shift();
  }

  /** Whether something that was decided is not saved yet. */
  get isOwing() {
    return this.sending.size > 0 || this.off.some(({ isFailed }) => isFailed);
  }

  /** Resolves once nothing is under way. */
  async settled() {
    while (this.sending.size) await Promise.all(this.sending);
  }

  /** Takes back what this reviewer decided of an item, which may be more than one answer told of. How it stands then. */
  async takeBack(item) {
    const undo = () => post(`${addressOf(item.id)}/undo`, { by: this.by });
    const found = await undo();
    const isTwice = !isReviewed(item) && isReviewed(found) && found.reviewed_by === this.by;
    return isTwice ? undo() : found;
  }

  /** Takes back the last action; the item comes under the hands again, and what was there comes next. The entry, null
   * where there is none. One that was not taken in the first place comes again before all that. */
  async undo(labels) {
    await this.settled();
    const failed = this.off.at(-1);
    if (failed && failed.isFailed) {
      this.off.pop();
      this.putOn(failed.item, labels);
      await this.takeAgain(failed);
      return { ...failed, verb: "failed" };
    }
    const entry = this.done.at(-1);
    if (!entry) return null;
    const isSkip = entry.verb === "skip";
    let stands = entry.item;
    try {
      if (!isSkip) stands = await this.takeBack(entry.item);
    } catch (error) {
      if (isLost(error)) this.done.pop(); // else it would stand before all that was done earlier
      throw error;
    }
    this.done.pop();
    if (isSkip) this.skipped = this.skipped.filter(({ item }) => item.id !== entry.item.id);
    else this.reviewed -= 1;
    this.putOn(entry.item, labels);
    await this.takeAgain({ ...entry, isReviewed: isReviewed(stands) });
    return entry;
  }

  /** Puts off what is under the hands, for `item` to come there. */
  putOn({ id }, labels) {
    const { item } = this;
    if (item && item.id !== id) this.off.push({ item, labels, isReviewed: isReviewed(item) });
    this.item = null;
  }

  /** Reads now and then how the dataset stands; true where it did. */
  async count() {
    if (Date.now() - this.countedAt < COUNTED_EVERY_MS) return false;
    this.countedAt = Date.now();
    this.dataset = await get(this.claims.address);
    this.counted = this.reviewed;
    return true;
  }

  /** How many wait, as far as is known: what was reviewed since they were counted is off. */
  get left() {
    const { audit } = this.dataset;
    const counted = this.queue === "audit" ? audit.waiting : waitingByValue(this.dataset);
    return Math.max(counted - (this.reviewed - this.counted), 0);
  }

  /** Gives back all that is held; also when the page goes away. */
  leave() {
    const held = [...(this.item ? [this.item] : []), ...[...this.skipped, ...this.off].map(({ item }) => item)];
    this.item = null;
    this.skipped = [];
    this.off = [];
    this.claims.leave(held.filter((item) => !isReviewed(item)).map(({ id }) => id));
  }
}
