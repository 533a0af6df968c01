// The classes that have a number key, as buttons: for the selected box, or for one that is drawn next.

import { arrange, byId, element, setText } from "../base/dom.js";

/** `choose(key)` is called with the key of a class. */
export function showNumbers({ classes, edit, stage }, choose) {
  const label = stage.isDrawing ? stage.label : edit && edit.current ? edit.current.label : null;
  const list = byId("reviewing-numbers");
  const keyed = edit ? classes.keyed : [];
  arrange(list, keyed, {
    key: ({ name }) => name,
    stamp: ({ name, key }) => `${key} ${classes.colour(name)} ${name === label}`,
    make: () => makeNumber(choose),
    fill: (node, { name, key }) => {
      const button = node.firstChild;
      button.className = `c${classes.colour(name)}`;
      button.title = name;
      button.dataset.key = key; // a class may get another, and another dataset has its own
      button.setAttribute("aria-keyshortcuts", key);
      button.setAttribute("aria-pressed", String(name === label));
      setText(button.children[1], name);
      setText(button.lastChild, key);
    },
  });
  list.hidden = !keyed.length;
}

function makeNumber(choose) {
  const node = element("li");
  const button = element("button");
  button.type = "button";
  button.append(element("span", "", "swatch"), element("span", "", "name"), element("kbd"));
  button.addEventListener("click", () => choose(button.dataset.key));
  node.append(button);
  return node;
}
