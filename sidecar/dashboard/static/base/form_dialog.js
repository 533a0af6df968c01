// One dialog for every form: fields by a description, and what is wrong said at the field that is wrong.

import { LoggedOut, Refused, toLogin } from "./api.js";
import { byId, element, setText, showText } from "./dom.js";

const PICKS = 12;
let asking = false;

/**
 * Asks for `fields` and hands their values to `send(values)`; resolves to what that gives, or to null where the dialog
 * was left, or is open already. A field is {name, label, note, kind, value, options, path, required, more, picks,
 * without}: `kind` is text, lines, choice, marks (several of `options`) or file (its value is a list of one), `path` is
 * what the sidecar calls it (a list: any of these), `more` puts it into a fold, `picks` shows the options of a text as
 * buttons, `without` leaves out of marks what that field has. `make(id)` makes a field of another kind: {node, control,
 * value}. A field with `when(values)` is there only where that holds. `changed(values, tell)` is called with each change,
 * and once before: `tell(faults)` says at the fields what is wrong with them, none where nothing is; what the sidecar
 * refused stays beside that until the field is changed. `options` of lines are put in and taken out by buttons. A `wide` dialog has
 * room for two columns, in which a `half` field takes half of one. One that stands `beside` leaves the page at hand: its
 * style says where.
 */
export async function openForm(asked) {
  const { title, note = "", fields, button, serious = false, wide = false, beside = false, changed, send } = asked;
  if (asking) return null;
  asking = true;
  const dialog = byId("form-dialog");
  setText(byId("form-title"), title);
  showText(byId("form-note"), note);
  showText(byId("form-fault"), "");
  const submit = byId("form-submit");
  setText(submit, button);
  submit.className = serious ? "serious" : "";
  const made = fields.map(makeField);
  for (const one of made) if (one.field.without) leaveOut(one, made);
  const plain = made.filter(({ field }) => !field.more);
  const rest = made.filter(({ field }) => field.more);
  byId("form-fields").replaceChildren(...plain.map(({ node }) => node), ...(rest.length ? [foldOf(rest)] : []));
  dialog.classList.toggle("wide", wide);
  const stop = follow(made, changed);
  dialog.classList.toggle("beside", beside);
  if (beside) dialog.show();
  else dialog.showModal();
  dialog.scrollTop = 0;
  const answer = await answerOf(dialog, made, send);
  stop();
  asking = false;
  return answer;
}

const valuesOf = (made) => Object.fromEntries(made.map(({ field, value }) => [field.name, value()]));

/** Shows the fields that are to be there, and tells `changed`, with each change; what is given ends that. */
function follow(made, changed) {
  const fields = byId("form-fields");
  const tell = (faults) => {
    for (const one of made) one.told = [];
    showAtFields(made, faults, "told");
    for (const one of made) showFault(one);
  };
  const look = (event) => {
    const changedOne = event && made.find(({ node }) => node.contains(event.target));
    if (changedOne) {
      changedOne.refused = [];
      showFault(changedOne);
    }
    const values = valuesOf(made);
    for (const { field, node } of made) if (field.when) node.hidden = !field.when(values);
    if (changed) changed(values, tell);
  };
  fields.addEventListener("input", look);
  look();
  return () => fields.removeEventListener("input", look);
}

function answerOf(dialog, made, send) {
  const form = byId("form");
  const cancel = byId("form-cancel");
  let result = null;
  let busy = false;
  let isOpen = true;
  let resolve;
  const answered = new Promise((done) => {
    resolve = done;
  });
  const submitted = async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    byId("form-submit").setAttribute("aria-busy", "true");
    clearFaults(made);
    try {
      if (missing(made)) return;
      const answer = await send(valuesOf(made));
      if (!isOpen) return; // the dialog may be another form's by now
      result = answer;
      close();
    } catch (error) {
      if (error instanceof LoggedOut) toLogin();
      else if (isOpen) showFaults(made, error);
    } finally {
      busy = false;
      if (isOpen) byId("form-submit").removeAttribute("aria-busy");
    }
  };
  const left = () => {
    if (!busy) close();
  };
  // What is under way can't be left: nobody would be told what came of it. A browser closes a dialog at the second
  // Escape whatever `cancel` says, so the key itself is stopped too.
  const stay = (event) => {
    if (busy && event.key === "Escape") event.preventDefault();
  };
  const cancelled = (event) => {
    if (event.target !== dialog) return; // but of a choice of files
    event.preventDefault();
    left();
  };
  // What stands beside the page no browser closes by itself, and the focus may be on the page.
  const escaped = ({ key }) => {
    if (key === "Escape" && !document.querySelector("dialog:modal")) left();
  };
  // Browsers tell that a dialog was closed a frame later, when the next form may be there already.
  const close = () => {
    dialog.close();
    ended();
  };
  const ended = () => {
    if (dialog.open) return; // it was the form before this one that was closed
    isOpen = false;
    byId("form-submit").removeAttribute("aria-busy");
    dialog.removeEventListener("close", ended);
    dialog.removeEventListener("cancel", cancelled);
    dialog.removeEventListener("keydown", stay);
    document.removeEventListener("keydown", escaped);
    form.removeEventListener("submit", submitted);
    cancel.removeEventListener("click", left);
    resolve(result);
  };
  document.addEventListener("keydown", escaped);
  form.addEventListener("submit", submitted);
  cancel.addEventListener("click", left);
  dialog.addEventListener("cancel", cancelled);
  dialog.addEventListener("keydown", stay);
  dialog.addEventListener("close", ended);
  return answered;
}

/** Hides of the marks `one` what another field has chosen. */
function leaveOut(one, made) {
  const other = made.find(({ field }) => field.name === one.field.without);
  const show = () => one.hide(other.value());
  other.control.addEventListener("change", show);
  show();
}

function foldOf(made) {
  const fold = element("details");
  const inside = element("div", undefined, "fields");
  inside.append(...made.map(({ node }) => node));
  fold.append(element("summary", "More"), inside);
  return fold;
}

const MAKERS = { text: textField, lines: linesField, choice: choiceField, marks: marksField, file: fileField };

/** {field, node, control, fault, value()}: `control` is what gets the focus where something is wrong. */
function makeField(field, place) {
  const id = `form-field-${place}`; // names can be of people's own making
  const fault = element("p", "", "refused");
  fault.id = `${id}-fault`;
  fault.hidden = true;
  const made = field.make ? field.make(id) : MAKERS[field.kind || "text"](field, id);
  if (field.half) made.node.classList.add("half");
  const described = [fault.id];
  if (field.note) {
    const note = element("p", field.note, "quiet");
    note.id = `${id}-note`;
    described.push(note.id);
    made.node.append(note);
  }
  made.node.append(fault);
  (made.group || made.control).setAttribute("aria-describedby", described.join(" "));
  (made.group || made.control).dataset.name = field.name;
  return { field, fault, refused: [], told: [], ...made };
}

function labelled(field, id, control) {
  const node = element("div", undefined, "field");
  const label = element("label", field.label);
  label.htmlFor = id;
  control.id = id;
  node.append(label, control);
  return node;
}

function textField(field, id) {
  const control = element("input");
  control.type = "text";
  control.autocomplete = "off";
  control.value = field.value || "";
  const node = labelled(field, id, control);
  if (field.options) {
    const list = element("datalist");
    list.id = `${id}-options`;
    list.append(...field.options.map((value) => Object.assign(element("option"), { value })));
    control.setAttribute("list", list.id);
    node.append(list);
    if (field.picks && field.options.length) node.append(picksOf(field, control));
  }
  return { node, control, value: () => control.value.trim() };
}

/** Buttons that fill in what is known; anything else can still be typed. */
function picksOf({ label, options }, control) {
  const picks = element("div", undefined, "picks");
  for (const value of options.slice(0, PICKS)) {
    const pick = element("button", value);
    pick.type = "button";
    pick.setAttribute("aria-label", `${label}: ${value}`);
    pick.addEventListener("click", () => {
      control.value = value;
      control.dispatchEvent(new Event("input", { bubbles: true }));
      control.focus();
    });
    picks.append(pick);
  }
  if (options.length > PICKS) picks.append(element("span", `and ${options.length - PICKS} more`, "quiet"));
  return picks;
}

function linesField(field, id) {
  const control = element("textarea");
  control.rows = 4;
  control.value = field.value || "";
  control.placeholder = field.placeholder || "";
  const node = labelled(field, id, control);
  if (field.options && field.options.length) node.append(togglesOf(field, control));
  return { node, control, value: () => control.value.trim() };
}

/** Buttons that put a line in, or take it out where it is there. */
function togglesOf({ label, options }, control) {
  const picks = element("div", undefined, "picks");
  const lines = () => control.value.split("\n").map((line) => line.trim()).filter((line) => line);
  const toggles = options.slice(0, PICKS).map((value) => {
    const toggle = element("button", value);
    toggle.type = "button";
    toggle.setAttribute("aria-label", `${label}: ${value}`);
    toggle.addEventListener("click", () => {
      const others = lines().filter((line) => line !== value);
      control.value = (others.length < lines().length ? others : [...others, value]).join("\n");
      control.dispatchEvent(new Event("input", { bubbles: true }));
    });
    return toggle;
  });
  const show = () => toggles.forEach((toggle, place) => toggle.setAttribute("aria-pressed", String(lines().includes(options[place]))));
  control.addEventListener("input", show);
  show();
  picks.append(...toggles);
  if (options.length > PICKS) picks.append(element("span", `and ${options.length - PICKS} more`, "quiet"));
  return picks;
}

function fileField(field, id) {
  const control = element("input");
  control.type = "file";
  control.accept = field.accept || "";
  return { node: labelled(field, id, control), control, value: () => [...control.files] };
}

function choiceField(field, id) {
  const control = element("select");
  for (const { value, text } of field.options) control.append(new Option(text, value, false, value === field.value));
  return { node: labelled(field, id, control), control, value: () => control.value };
}

function marksField(field, id) {
  const node = element("fieldset", undefined, "field");
  node.id = id;
  const boxes = field.options.map(({ value, text }) => {
    const box = element("input");
    box.type = "checkbox";
    box.value = value;
    box.checked = (field.value || []).includes(value);
    const label = element("label");
    label.append(box, ` ${text}`);
    return { box, label };
  });
  node.append(element("legend", field.label), ...boxes.map(({ label }) => label));
  const value = () => boxes.filter(({ box, label }) => box.checked && !label.hidden).map(({ box }) => box.value);
  const hide = (hidden) => {
    for (const { box, label } of boxes) label.hidden = box.value === hidden;
  };
  return { node, group: node, control: boxes[0].box, value, hide };
}

function clearFaults(made) {
  showText(byId("form-fault"), "");
  for (const one of made) {
    one.refused = [];
    showFault(one);
  }
}

function missing(made) {
  const empty = made.filter(({ field, node, value }) => field.required && !node.hidden && !value().length);
  for (const one of empty) mark(one, "is needed", "refused");
  if (empty.length) empty[0].control.focus();
  return empty.length > 0;
}

/** What names a field of the form is said there, the rest beside the button. */
function showFaults(made, error) {
  const told = error instanceof Refused ? error.faults : [];
  const faults = told.length ? told : [{ field: "", message: error.message }];
  const { first, rest } = showAtFields(made, faults, "refused");
  showText(byId("form-fault"), rest.map(({ field: path, message }) => (path ? `${path}: ${message}` : message)).join("; "));
  if (first) first.control.focus();
}

/** Says faults at the fields they name: the first such field, and the faults that name none that is there. `of` is who
 * says so: told, or refused. */
function showAtFields(made, faults, of) {
  const rest = [];
  let first = null;
  for (const fault of faults) {
    const path = fault.field;
    const one = made.find(({ field }) => pathsOf(field).some((own) => path === own || path.startsWith(`${own}.`)));
    if (one && !one.node.hidden) {
      mark(one, fault.message, of);
      first = first || one;
    } else rest.push(fault);
  }
  return { first, rest };
}

const pathsOf = (field) => [field.path || field.name].flat();

function mark(one, message, of) {
  one[of].push(message);
  showFault(one);
  const fold = one.node.closest("details");
  if (fold) fold.open = true;
}

function showFault(one) {
  const text = [...new Set([...one.refused, ...one.told])].join("; ");
  showText(one.fault, text);
  if (text) one.control.setAttribute("aria-invalid", "true");
  else one.control.removeAttribute("aria-invalid");
}
