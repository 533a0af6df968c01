// Elements and their text, which goes in by textContent only. What is on the page is changed in place, never made
// anew without need: a refresh keeps focus, selection and what is folded open, and nothing flickers.

const SVG = "http://www.w3.org/2000/svg";
const kept = new WeakMap(); // list element -> key -> its node

export const byId = (id) => document.getElementById(id);

export function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

export function drawing(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text; // else a screen reader repeats it
}

/** Shows `text` in `node`, or hides it where there is none. */
export function showText(node, text) {
  setText(node, text);
  node.hidden = text === "";
}

/**
 * Makes `parent` hold a node for each item, in order. `make(item)` makes the node of a key seen for the first time;
 * a node whose `stamp(item)` changed is filled anew by `fill(node, item)`, the others stay as they are.
 */
export function arrange(parent, items, { key, make, fill, stamp = () => "" }) {
  const before = kept.get(parent) || new Map();
  const now = new Map();
  for (const item of items) {
    const id = key(item);
    const mark = stamp(item);
    const entry = before.get(id) || { node: make(item), mark: null };
    if (fill && entry.mark !== mark) fill(entry.node, item);
    now.set(id, { node: entry.node, mark });
  }
  kept.set(parent, now);
  place(parent, [...now.values()].map((entry) => entry.node));
}

/** Makes `nodes` the children of `parent`, touching only what is out of place; focus stays where it was. */
export function place(parent, nodes) {
  const focused = document.activeElement;
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] || null);
  });
  // A node that moves loses focus.
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}

/** A bar that fills `share` (0..1) of its width. */
export function bar(share, className) {
  const picture = drawing("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  const width = 100 * Math.min(Math.max(share, 0), 1);
  picture.append(drawing("rect", { width: 100, height: 8, rx: 1, class: "track" }));
  picture.append(drawing("rect", { width, height: 8, rx: 1, class: className || "filled" }));
  return picture;
}

const SIGNS = {
  alarm: { d: "M6 1 11.4 11H.6Z", fill: "currentColor" },
  half: { d: "M6 1.2a4.8 4.8 0 0 1 0 9.6Z", fill: "currentColor", ring: true },
  tick: { d: "M1.5 6.5 4.6 9.6 10.5 2.6", fill: "none", stroke: "currentColor", "stroke-width": 2 },
  ring: { d: "", fill: "none", ring: true },
};

/** A state in a word, with a sign that tells states apart without colours. `kind` is bad, warn, good or quiet. */
export function badge(text, sign, kind) {
  const made = element("span", undefined, `badge ${kind}`);
  const { ring, ...attributes } = SIGNS[sign];
  const picture = drawing("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" });
  if (ring) {
    picture.append(drawing("circle", { cx: 6, cy: 6, r: 4.8, fill: "none", stroke: "currentColor", "stroke-width": 1.6 }));
  }
  picture.append(drawing("path", attributes));
  made.append(picture, element("span", text));
  return made;
}

/** A term and its value, in a description list. */
export function figure(term, value, bad) {
  const pair = element("div");
  pair.append(element("dt", term), element("dd", value, bad ? "bad" : ""));
  return pair;
}

/** `text` for an instant, with the exact time behind it. */
export function stamp(at, text) {
  const made = element("time", text);
  made.dateTime = new Date(at * 1000).toISOString();
  made.title = made.dateTime;
  return made;
}

/** Makes `list` hold a line for each {text, at, kind, href}; one with `at` has the exact time behind it. */
export function showLines(list, lines) {
  const mark = JSON.stringify(lines);
  if (list.dataset.mark === mark) return;
  list.dataset.mark = mark;
  list.hidden = lines.length === 0;
  list.replaceChildren(
    ...lines.map(({ text, at, kind, href }) => {
      const item = element("li", undefined, kind);
      const says = at === undefined ? text : stamp(at, text);
      if (href) {
        const link = element("a");
        link.href = href;
        link.append(says);
        item.append(link);
      } else item.append(says);
      return item;
    }),
  );
}

/** A table that is scrolled where it is too wide, by keyboard too. */
export function scroller(label) {
  const made = element("div", undefined, "scroll");
  made.tabIndex = 0;
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", label);
  return made;
}

/** A table of texts: `head` has a text for each column, `rows` are lists of texts, each beginning with its heading. */
export function tableOf(head, rows) {
  const top = element("tr");
  top.append(
    ...head.map((text, column) => {
      const cell = element(text ? "th" : "td", text, column ? "number" : ""); // a heading without text is none
      if (text) cell.scope = "col";
      return cell;
    }),
  );
  const made = element("table");
  const body = element("tbody");
  for (const [name, ...texts] of rows) {
    const row = element("tr");
    const heading = element("th", name);
    heading.scope = "row";
    row.append(heading, ...texts.map((text) => element("td", text, "number")));
    body.append(row);
  }
  const header = element("thead");
  header.append(top);
  made.append(header, body);
  return made;
}
