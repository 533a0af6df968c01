// Who acts: asked for once, in a dialog, and kept by this browser.

import { byId, setText } from "./dom.js";

const KEY = "sidecar.name";
let name = stored();

export const knownName = () => name;

/** Resolves to the name, which is asked for where it isn't known; "" where the dialog was left. */
export function askName(anew = false) {
  if (name && !anew) return Promise.resolve(name);
  const dialog = byId("name-dialog");
  const field = byId("name-field");
  const form = byId("name-form");
  field.value = name;
  dialog.returnValue = "";
  dialog.showModal();
  field.select();
  return new Promise((resolve) => {
    const submitted = (event) => {
      event.preventDefault();
      if (field.value.trim()) dialog.close(field.value.trim());
    };
    form.addEventListener("submit", submitted);
    dialog.addEventListener(
      "close",
      () => {
        form.removeEventListener("submit", submitted);
        resolve(dialog.returnValue);
      },
      { once: true },
    );
  });
}

/** Keeps a name that the sidecar took. */
export function keepName(taken) {
  name = taken;
  try {
    localStorage.setItem(KEY, taken);
  } catch {
    // A browser that keeps nothing asks again on the next visit.
  }
  showName();
}

/** Says who acts, and lets that be changed. */
export function startName() {
  byId("name-cancel").addEventListener("click", () => byId("name-dialog").close(""));
  byId("name-change").addEventListener("click", changeName);
  showName();
}

async function changeName() {
  const given = await askName(true);
  if (given) keepName(given);
}

function showName() {
  setText(byId("name"), name);
  byId("acting").hidden = name === "";
}

function stored() {
  try {
    return localStorage.getItem(KEY) || "";
  } catch {
    return "";
  }
}
