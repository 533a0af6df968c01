// Plain values as YAML that every reader takes for the same values.

const PLAIN = /^[A-Za-z_/][A-Za-z0-9_./-]*$/;
const WORDS = /^(y|yes|n|no|on|off|true|false|null|nan|inf|infinity)$/i; // text that some readers take for something else

/** `value` is what JSON can hold. */
export function toYaml(value) {
  return `${lines(value, "").join("\n")}\n`;
}

function lines(value, indent) {
  if (Array.isArray(value)) return value.flatMap((item) => itemLines(item, indent));
  return Object.entries(value).flatMap(([name, item]) => {
    const key = `${indent}${text(name)}:`;
    return isNested(item) ? [key, ...lines(item, `${indent}  `)] : [`${key} ${scalar(item)}`];
  });
}

function itemLines(item, indent) {
  if (!isNested(item)) return [`${indent}- ${scalar(item)}`];
  const [first, ...rest] = lines(item, `${indent}  `);
  return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
}

const isNested = (value) => value !== null && typeof value === "object" && Object.keys(value).length > 0;

function scalar(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "[]";
  if (typeof value === "object") return "{}";
  return typeof value === "string" ? text(value) : String(value);
}

const text = (value) => (PLAIN.test(value) && !WORDS.test(value) ? value : JSON.stringify(value));
