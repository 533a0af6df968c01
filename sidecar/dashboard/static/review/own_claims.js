// Which items this tab has claimed, so that it takes up no other tab's: both may have the same reviewer.

const KEY = "sidecar.sitting";
const CLAIMS_MAX = 1000; // the newest are kept
let own = null; // {id, items: [[id, revision], ...]}, as in sessionStorage, which lives as long as the tab

/** Whether an item stands as this tab claimed it, also before a reload: whoever claims it later makes a revision. */
export async function isOwnClaim({ id, revision }) {
  return (await mine()).items.some(([claimed, at]) => claimed === id && at === revision);
}

export async function noteClaim({ id, revision }) {
  const { items } = await mine();
  keep([...items.filter(([claimed]) => claimed !== id), [id, revision]].slice(-CLAIMS_MAX));
}

export async function dropClaim({ id }) {
  keep((await mine()).items.filter(([claimed]) => claimed !== id));
}

async function mine() {
  own = own || begun();
  own = await own;
  return own;
}

/** What was kept before a reload; a tab that was duplicated has a copy, which is the other's while that is there. */
async function begun() {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    // kept by nobody who knows the form, or nothing may be kept
  }
  if (kept && (await isFree(kept.id))) return kept;
  const id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  await isFree(id);
  return { id, items: [] };
}

/** Takes the name of a sitting for as long as the page lives. Where a browser has no locks it counts as free. */
function isFree(id) {
  if (!navigator.locks) return true;
  return new Promise((resolve) => {
    const held = (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {});
    };
    navigator.locks.request(`${KEY} ${id}`, { ifAvailable: true }, held).catch(() => resolve(true));
  });
}

function keep(items) {
  own.items = items;
  try {
    sessionStorage.setItem(KEY, JSON.stringify(own));
  } catch {
    // then only a reload forgets them, until their leases run out
  }
}
