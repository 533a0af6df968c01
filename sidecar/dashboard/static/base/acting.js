// What a button of a card does: one thing at a time, and what goes wrong is said beside it.

import { LoggedOut, toLogin } from "./api.js";
import { showText } from "./dom.js";

/** What `request()` gives, unless it gives nothing, goes to `card.changed`; a fault is said in `card.fault`. */
export async function act(card, button, request) {
  if (card.busy) return;
  card.busy = true;
  button.setAttribute("aria-busy", "true");
  showText(card.fault, "");
  try {
    const answer = await request();
    if (answer) card.changed(answer);
  } catch (error) {
    if (error instanceof LoggedOut) toLogin();
    else showText(card.fault, `${button.textContent} failed: ${error.message}`);
  } finally {
    card.busy = false;
    button.removeAttribute("aria-busy");
  }
}
