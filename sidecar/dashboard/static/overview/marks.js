// The marks of events in a chart: where their numbers would lie over each other, they share one.

const GAP = 4; // pixels between two

/**
 * What stands above the marks: [{x, text}], from the left. `marks` are [{x, sign}] in the order of time, `widthOf(text)`
 * measures; numbers that would touch are one, "2–4", in their middle, and all lie between 0 and `right`.
 */
export function signsOf(marks, widthOf, right = Infinity) {
  const groups = [];
  for (const { x, sign } of marks) {
    groups.push(placed({ from: x, to: x, first: sign, last: sign }, widthOf, right));
    while (groups.length > 1 && touch(...groups.slice(-2))) {
      const [one, other] = groups.splice(-2);
      groups.push(placed({ from: one.from, to: other.to, first: one.first, last: other.last }, widthOf, right));
    }
  }
  return groups.map(({ x, text }) => ({ x, text }));
}

const touch = (one, other) => one.x + one.half + GAP > other.x - other.half;

function placed(group, widthOf, right) {
  const { from, to, first, last } = group;
  const text = first === last ? first : `${first}–${last}`;
  const half = widthOf(text) / 2;
  return { ...group, text, half, x: Math.max(Math.min((from + to) / 2, right - half), half) };
}
