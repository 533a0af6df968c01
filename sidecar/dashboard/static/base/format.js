// Numbers and times as people read them. A value that is null has nothing to show: "–".

const NONE = "–";
const WHOLE = { maximumFractionDigits: 0 };
const THREE_DIGITS = { maximumSignificantDigits: 3 };
const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const DAY_AND_TIME = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

export const count = (value) => (value < 100000 ? whole.format(value) : short.format(value));
export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;
export const named = (model, version) => (version ? `${model || "unnamed"}@${version}` : model || "unnamed");
export const clock = (at) => new Date(at * 1000).toLocaleTimeString(undefined, TIME);

/** A size on disk: 1536 is "1.5 kB"; a kB is 1,024 bytes. */
export function bytes(value) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = value < 1024 ? 0 : Math.min(Math.floor(Math.log(value) / Math.log(1024)), units.length - 1);
  const size = value / 1024 ** power;
  return `${power && size < 10 ? size.toFixed(1) : Math.round(size)} ${units[power]}`;
}

export function percent(value) {
  if (value === null) return NONE;
  return `${(value * 100).toFixed(value > 0 && value < 0.01 ? 2 : 1)} %`;
}

/** A share with the digits that a comparison needs: 0.053 is "5.3 %", 0.146 is "15 %". */
export function share(value) {
  if (value === 0 || value >= 0.1) return `${Math.round(value * 100)} %`;
  return value < 0.001 ? "< 0.1 %" : `${(value * 100).toFixed(1)} %`;
}

export function milliseconds(value) {
  if (value === null) return NONE;
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** A part of traffic: 0.995 is "99.5 %", and neither 0 nor all of it is shown for what is a little off. */
export function part(value) {
  if (value === null) return NONE;
  if (value > 0 && value < 0.0005) return "< 0.1 %";
  if (value < 1 && value > 0.9995) return "> 99.9 %";
  return `${Number((100 * value).toFixed(1))} %`;
}

export function pValue(p) {
  if (p === null) return NONE;
  return p < 0.001 ? "< 0.001" : p.toFixed(p < 0.01 ? 3 : 2);
}

/** A value in the unit of its metric. */
export function inUnit(unit, value) {
  if (unit === "share") return percent(value);
  return unit === "ms" ? milliseconds(value) : number(value);
}

const OFF = { share: [100, " points"], ms: [1, " ms"] };

/** A difference in the unit of its metric, with its sign; of shares in points of per cent. */
export function offBy(unit, value) {
  if (value === null) return NONE;
  const [scale, word] = OFF[unit] || [1, ""];
  const size = number(Math.abs(value) * scale);
  const sign = size === "0" ? "" : value < 0 ? "−" : "+";
  return `${sign}${size}${word}`;
}

/** Three digits that count, never an exponent. */
export function number(value) {
  if (value === null) return NONE;
  return value.toLocaleString(undefined, Math.abs(value) >= 1000 ? WHOLE : THREE_DIGITS);
}

const RATES = [[1, "s"], [60, "min"], [3600, "h"], [86400, "day"]];

/** So many a second, in the unit of time in which there are some: 0.0114 is "41 /h". */
export function rate(value) {
  if (value === null) return NONE;
  const [unit_s, unit] = value ? RATES.find(([length_s]) => value * length_s >= 1) || RATES.at(-1) : RATES[0];
  return `${number(value * unit_s)} /${unit}`;
}

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(Math.floor(seconds), 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

/** A length as it was set: 604800 is "7 days". */
export function length(seconds) {
  for (const [unit, one, many] of [
    [86400, "day", "days"],
    [3600, "hour", "hours"],
    [60, "minute", "minutes"],
  ]) {
    if (seconds >= unit && seconds % unit === 0) return plural(seconds / unit, one, many);
  }
  return plural(seconds, "second", "seconds");
}

const dayOf = (at) => new Date(at * 1000).toDateString();

/** The time of an instant of today, day and time of another, and the year where it is another one. */
export function moment(at) {
  return dayOf(at) === new Date().toDateString() ? clock(at) : dated(at);
}

function dated(at) {
  const date = new Date(at * 1000);
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return date.toLocaleString(undefined, { ...DAY_AND_TIME, ...year });
}

/** From when to when; of a period that ends on another day than it began both have their day, today's too. */
export function period(since, until) {
  const text = dayOf(since) === dayOf(until) ? moment : dated;
  return `${text(since)} – ${text(until)}`;
}
