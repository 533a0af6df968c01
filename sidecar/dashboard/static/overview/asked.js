// What the overview is asked for, as the page's address has it. No page in here, so that it is there early.

export const RANGES = {
  "15m": ["15 min", 900, "last 15 minutes"],
  "1h": ["1 h", 3600, "last hour"],
  "6h": ["6 h", 21600, "last 6 hours"],
  "24h": ["24 h", 86400, "last 24 hours"],
  "7d": ["7 d", 604800, "last 7 days"],
  "30d": ["30 d", 2592000, "last 30 days"],
  "90d": ["90 d", 7776000, "last 90 days"],
};
export const COMPARES = { previous: ["time before"], baseline: ["baseline"] };
const LIVE_S = 3600;

/** {range, compare, model} of the address; what it doesn't know is left out. `isOpen`: nobody chose what it is compared
 * with, so that the baseline may take the place of a time before of which there is nothing. */
export function viewOf(search) {
  const given = new URLSearchParams(search);
  const known = (name, kinds, otherwise) => (given.get(name) in kinds ? given.get(name) : otherwise);
  return {
    range: known("range", RANGES, "1h"),
    compare: known("compare", COMPARES, "previous"),
    model: given.get("model") || "",
    isOpen: !(given.get("compare") in COMPARES),
  };
}

export function searchOf({ range, compare, model, isOpen }) {
  const asked = new URLSearchParams({ range, ...(isOpen ? {} : { compare }), ...(model ? { model } : {}) });
  return `?${asked}`;
}

export const isLive = ({ range }) => RANGES[range][1] <= LIVE_S;

/** What the API is asked for. */
export function pathOf({ range, compare, model }) {
  const now = Date.now() / 1000;
  const asked = { since: String(now - RANGES[range][1]), compare, ...(model ? { model } : {}) };
  return `/api/v1/overview?${new URLSearchParams(asked)}`;
}
