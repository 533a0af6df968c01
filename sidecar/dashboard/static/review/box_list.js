// The boxes of an image as a list: the class of each can be typed, and what is wrong with one is said at it.

import { arrange, byId, element, setText, showText } from "../base/dom.js";

const CLASSES_MAX = 500; // names that are suggested

export class BoxList {
  /** `select(id)` a box that is worked on, `relabel(id, label)`, `left(isNumbered)` when the keyboard goes back to the
   * image, by a number key or not, and `numbered(key)` is the class of a number key. */
  constructor(list, { select, relabel, left, numbered }) {
    this.list = list;
    this.select = select;
    this.relabel = relabel;
    this.left = left;
    this.numbered = numbered;
    this.classes = null;
    this.rows = new Map(); // box id -> {number, input, note, fault}
    this.faults = new Map(); // box id -> what is wrong with it, in sentences
  }

  show(edit) {
    arrange(this.list, edit.boxes, {
      key: ({ id }) => id,
      stamp: (box) =>
        JSON.stringify([box, box.id === edit.selected, edit.numberOf(box.id), this.faults.get(box.id) || []]),
      make: (box) => this.makeRow(box),
      fill: (node, box) => this.fillRow(node, box, edit),
    });
    for (const id of [...this.rows.keys()]) if (!edit.boxes.some((box) => box.id === id)) this.rows.delete(id);
  }

  /** The list of another image: nothing of the former one stays. */
  clear() {
    this.faults.clear();
    this.rows.clear();
    arrange(this.list, [], { key: () => "" });
  }

  makeRow({ id }) {
    const node = element("li");
    const input = element("input");
    input.type = "text";
    input.maxLength = 200;
    input.autocomplete = "off";
    input.setAttribute("list", "reviewing-classes");
    const number = element("span", "", "number");
    const swatch = element("span", "", "swatch");
    const note = element("span", "", "quiet small");
    const fault = element("p", "", "refused");
    fault.id = `reviewing-box-${id}-fault`;
    input.setAttribute("aria-describedby", fault.id);
    input.addEventListener("focus", () => this.begin(id, input));
    input.addEventListener("keydown", (event) => this.pressed(event, id, input));
    input.addEventListener("change", () => this.commit(id, input));
    node.addEventListener("click", ({ target }) => target === input || this.select(id, true));
    node.append(number, swatch, input, note, fault);
    this.rows.set(id, { number, input, note, fault });
    return node;
  }

  fillRow(node, { id, label, box, from }, edit) {
    const { number, input, note, fault } = this.rows.get(id);
    const place = edit.numberOf(id);
    const isSelected = id === edit.selected;
    node.className = `c${this.classes ? this.classes.colour(label) : 0}${isSelected ? " selected" : ""}`;
    setText(number, String(place));
    input.setAttribute("aria-label", `Class of box ${place}`);
    if (input !== document.activeElement || input.value.trim() === label) input.value = label;
    input.placeholder = "class";
    const sides = box.map((edge) => Math.round(edge));
    setText(note, `${wasText(from, label)}${sides[0]}, ${sides[1]} to ${sides[2]}, ${sides[3]}`);
    const wrong = (this.faults.get(id) || []).join("; ");
    showText(fault, wrong);
    input.toggleAttribute("aria-invalid", wrong !== "");
    if (isSelected) node.scrollIntoView({ block: "nearest" });
  }

  begin(id, input) {
    input.defaultValue = input.value;
    this.select(id);
  }

  commit(id, input) {
    const label = input.value.trim();
    if (label) this.relabel(id, label);
    else input.value = input.defaultValue; // a box keeps a class
  }

  pressed(event, id, input) {
    const numbered = this.numberedBy(event.key, input);
    if (numbered) {
      event.preventDefault();
      input.value = numbered;
    } else if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key !== "Escape") this.commit(id, input);
    else input.value = input.defaultValue;
    this.left(Boolean(numbered));
  }

  /** The class of a number key, where nothing is typed yet and all that stands there would be typed over, and no longer
   * name begins with that number. */
  numberedBy(key, { value, defaultValue, selectionStart, selectionEnd }) {
    const isFresh = value === defaultValue && selectionStart === 0 && selectionEnd === value.length;
    if (!/^[0-9]$/.test(key) || !isFresh) return null;
    const names = [...(this.classes ? this.classes.names : [])];
    const isTyped = names.some((name) => name !== key && name.startsWith(key));
    return isTyped ? null : this.numbered(key) || null;
  }

  /** Lets the class of a box be typed over. */
  type(id) {
    const { input } = this.rows.get(id);
    input.focus();
    input.select();
  }

  /** `faults` are {field, message}; those of a box are said at it, the others are given back. */
  take(faults, edit) {
    this.faults.clear();
    const rest = [];
    for (const { field, message } of faults) {
      const [, place, part] = /^labels\.(\d+)(?:\.(\w+))?/.exec(field) || [];
      const box = place === undefined ? null : edit.boxes[Number(place)];
      if (!box) rest.push({ field, message });
      else this.faults.set(box.id, [...(this.faults.get(box.id) || []), part ? `${part}: ${message}` : message]);
    }
    this.show(edit);
    return rest;
  }
}

/** Suggests names of classes. */
export function showClasses(names) {
  arrange(byId("reviewing-classes"), names.slice(0, CLASSES_MAX), {
    key: (name) => name,
    make: (value) => Object.assign(element("option"), { value }),
  });
}

function wasText(from, label) {
  if (!from) return "";
  const how = from.score === null ? "" : ` ${from.score.toFixed(2)}`;
  return from.label === label ? `predicted${how}, ` : `was ${from.label}${how}, `;
}
