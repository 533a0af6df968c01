// How fast a sitting goes. Times in milliseconds; no clock in here.

const KEPT = 15; // images that the pace is of
const LEAST = 4; // before so many it would only jump
const PAUSE_MS = 120000; // who takes longer has been away

export class Pace {
  constructor(now) {
    this.last = now;
    this.took = [];
  }

  /** An image was decided at `now`. */
  decided(now) {
    const took = now - this.last;
    this.last = now;
    if (took > PAUSE_MS) return;
    this.took.push(took);
    if (this.took.length > KEPT) this.took.shift();
  }

  /** What an image takes, by the median; null where too little is known. */
  get each_ms() {
    if (this.took.length < LEAST) return null;
    const sorted = [...this.took].sort((one, other) => one - other);
    return sorted[Math.floor(sorted.length / 2)];
  }
}

/** "3.1 s an image, about 4 min left"; empty where nothing is known yet. */
export function paceText(each_ms, left) {
  if (each_ms === null) return "";
  const seconds = each_ms / 1000;
  const each = `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s an image`;
  if (!left) return each;
  const minutes = Math.round((seconds * left) / 60);
  if (minutes < 1) return `${each}, under a minute left`;
  if (minutes < 90) return `${each}, about ${minutes} min left`;
  return `${each}, about ${Math.round(minutes / 60)} h left`;
}
