// What this tab remembers of the list, so that one comes back to where one was, and goes on to the row beside.

const KEY = "sidecar.predictions";

/** {search, ids, top, y, opened}: the list's filters, its rows, the time of the first, where it was scrolled, and which
 * row was opened; null where nothing is remembered. */
export function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

export function remember(list) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(list));
  } catch {
    // A browser that keeps nothing begins the list anew.
  }
}

/** Whether one came to this page by Back, or by loading it anew. */
export function isReturn() {
  const [entry] = performance.getEntriesByType("navigation");
  return Boolean(entry) && (entry.type === "back_forward" || entry.type === "reload");
}
