// What stands at the axes of charts: values with as many digits as tell them apart, times, and the room that takes.

const SHORT_DAY_S = 82800; // in which clocks go forward
const MINUTE_S = 60;
const DIGITS_MAX = 6;
const GAP = 9; // pixels beside a text
const LEAST = 30; // pixels of an axis of values
const UNITS = { share: [100, " %"], points: [100, " points"], ms: [1, " ms"], times: [1, "×"] };
const DAY = { day: "numeric", month: "short" };
const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** The values of an axis, all a step apart, in the unit of their metric; `isSigned`: with a plus, too. */
export function axisTexts(values, unit = "", isSigned = false) {
  const most = values.reduce((found, value) => Math.max(found, Math.abs(value)), 0);
  const [scale, word] = unit === "ms" && most >= 1000 ? [0.001, " s"] : UNITS[unit] || [1, ""];
  const scaled = values.map((value) => value * scale);
  const digits = digitsOf(scaled);
  return scaled.map((value) => {
    const isNone = Number(value.toFixed(digits)) === 0;
    const size = (isNone ? 0 : Math.abs(value)).toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    const sign = isNone ? "" : value < 0 ? "−" : isSigned ? "+" : "";
    return `${sign}${size}${word}`;
  });
}

/** How many decimals the step from one value to the next has. */
function digitsOf(values) {
  const step = Math.abs(values.length > 1 ? values[1] - values[0] : values[0] || 0);
  if (!step) return 0;
  for (let digits = 0; digits < DIGITS_MAX; digits += 1) {
    const shifted = step * 10 ** digits;
    if (Math.round(shifted) > 0 && Math.abs(shifted - Math.round(shifted)) < 1e-6 * shifted) return digits;
  }
  return DIGITS_MAX;
}

/** The times of an axis: days where they are days apart, else times of the day, and the day where one begins. */
export function timeTexts(times) {
  const step = times.length > 1 ? times[1] - times[0] : 0;
  return times.map((at) => {
    const date = new Date(at * 1000);
    const isMidnight = date.getHours() + date.getMinutes() + date.getSeconds() === 0;
    if (step >= SHORT_DAY_S || isMidnight) return date.toLocaleDateString(undefined, DAY);
    return date.toLocaleTimeString(undefined, step && step < MINUTE_S ? { ...TIME, second: "2-digit" } : TIME);
  });
}

/** The width of an axis of values, as uPlot asks for it: that of its longest text. */
export function axisWidth(plot, texts, index, cycle) {
  if (!texts) return LEAST; // before there is anything to draw
  const { ctx, axes } = plot;
  if (cycle > 1) return axes[index]._size; // settled; else both axes could go on to change each other for ever
  ctx.save();
  ctx.font = axes[index].font[0];
  const longest = texts.reduce((found, text) => Math.max(found, ctx.measureText(text).width), 0);
  ctx.restore();
  return Math.max(Math.ceil(longest / devicePixelRatio) + GAP, LEAST);
}
