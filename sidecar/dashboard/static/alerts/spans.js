// When an alert would have fired, as spans to shade: not where there was nothing to see it by.

/**
 * [from, to] pairs, epoch seconds, of the API's preview. A gap between two points reaches from the one to the other; it
 * is shaded only where the lack of data itself would have fired.
 */
export function firedSpans({ firings, points, until, condition }) {
  const spans = firings.map((firing) => [firing.since, firing.until === null ? until : firing.until]);
  if (condition.no_data === "fire") return spans;
  const gaps = gapsOf(points);
  return spans.flatMap((span) => without(span, gaps));
}

/** Where no value is known, from the last that is to the next. */
function gapsOf(points) {
  const gaps = [];
  let begun = -Infinity; // the last value before
  let isGap = false;
  for (const { at, value } of points) {
    if (value === null) isGap = true;
    else {
      if (isGap) gaps.push([begun, at]);
      [begun, isGap] = [at, false];
    }
  }
  return isGap ? [...gaps, [begun, Infinity]] : gaps;
}

/** What is left of a span; of a value by itself between two gaps its instant. */
function without([from, to], gaps) {
  const parts = [];
  let place = from;
  for (const [begin, end] of gaps) {
    if (end <= place || begin >= to) continue;
    if (begin >= place) parts.push([place, begin]);
    place = end;
  }
  if (place < to || (place === to && from === to)) parts.push([place, to]);
  return parts;
}
