// The classes of a dataset while it is reviewed: which number key stands for which, and the colour of each.

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
const OWN = /^[0-9]$/; // a class that is called so has that key, and nothing else does
export const COLOURS = 12; // as many as base/classes.css has

/** The same for a name on every visit. */
function hashOf(name) {
  let hash = 2166136261;
  for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0), 16777619) >>> 0;
  return hash;
}

export class Classes {
  /** `counts` are boxes by class: the most frequent get the first keys, but for those that a digit is the name of. */
  constructor(counts = {}) {
    this.names = new Set();
    this.colours = new Map(); // name -> 0..COLOURS-1
    this.byKey = new Map(); // key -> name
    const byName = Object.keys(counts).sort();
    for (const name of byName) this.colour(name);
    this.learn(byName.sort((one, other) => counts[other] - counts[one]));
  }

  /** Takes up names that are new, those that come first before the others: they get the keys that are left. True where
   * any is. */
  learn(names) {
    const fresh = [...new Set(names)].filter((name) => name && !this.names.has(name));
    const displaced = [];
    for (const name of fresh) {
      this.names.add(name);
      if (!OWN.test(name)) continue;
      if (this.byKey.has(name)) displaced.push(this.byKey.get(name));
      this.byKey.set(name, name);
    }
    for (const name of [...displaced, ...fresh.filter((one) => !OWN.test(one))]) {
      const key = KEYS.find((one) => !this.byKey.has(one));
      if (key) this.byKey.set(key, name);
    }
    return fresh.length > 0;
  }

  /** The class of a number key, undefined where it has none. */
  at(key) {
    return this.byKey.get(key);
  }

  /** {key, name} of the classes that have a key, as the keys lie on a keyboard. */
  get keyed() {
    return [...KEYS, "0"].filter((key) => this.byKey.has(key)).map((key) => ({ key, name: this.byKey.get(key) }));
  }

  get sorted() {
    return [...this.names].sort();
  }

  /** A colour's number, which no other class has while there are enough. */
  colour(name) {
    const known = this.colours.get(name);
    if (known !== undefined) return known;
    const taken = new Set(this.colours.values());
    let colour = hashOf(name) % COLOURS;
    while (taken.size < COLOURS && taken.has(colour)) colour = (colour + 1) % COLOURS;
    this.colours.set(name, colour);
    return colour;
  }
}
