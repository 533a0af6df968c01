// Asks for the first answer while the modules of the page are still on their way: it takes as long as they do.

import { begin } from "../base/api.js";
import { pathOf, viewOf } from "./asked.js";

const FRESH_MS = 5000; // in a tab that nobody looked at the answer is old, and may be cut off before it is read
const path = pathOf(viewOf(location.search));
const begunAt = performance.now();
let begun = begin(path);

/** Once, while it is fresh: [path, the answer that was begun], for `getBegun`; else null. */
export function takeFirst() {
  const isFresh = performance.now() - begunAt < FRESH_MS;
  const first = begun && isFresh ? [path, begun] : null;
  begun = null;
  return first;
}
