// Texts for the clipboard.

import { element } from "../base/dom.js";

/** Whether `text` is in the clipboard now. `button` was pressed for it, and keeps the focus. */
export async function copied(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedTheOldWay(text, button); // all there is where the page is not secure: another machine, without TLS
  }
}

function copiedTheOldWay(text, button) {
  const field = element("textarea");
  field.value = text;
  field.className = "heard";
  button.after(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  button.focus();
  return done;
}
