// How the boxes of each class are spread over the splits of a version: as shares of their split, to be compared.

import { bar, element, scroller } from "../base/dom.js";
import { count, share } from "../base/format.js";

const CLASSES = 20;
const SPLITS = ["train", "val", "test"];

/** `counts` are those of a version. */
export function balanceOf({ splits, classes }) {
  if (SPLITS.some((name) => !splits[name] || splits[name].classes === null)) {
    return element("p", "Not known of a version that an earlier release made.", "quiet small");
  }
  const names = Object.keys(classes).sort((one, other) => classes[other].boxes - classes[one].boxes);
  if (!names.length) return element("p", "There are no boxes in it.", "quiet small");
  const shares = names.flatMap((name) => SPLITS.map((split) => shareOf(splits[split], name)));
  const most = Math.max(...shares) || 1;
  const body = element("tbody");
  body.append(...names.slice(0, CLASSES).map((name) => rowOf(name, splits, most)));
  const head = element("thead");
  head.append(headOf(splits));
  const table = element("table");
  table.append(head, body);
  const made = scroller("Boxes by class and split");
  made.classList.add("balance");
  made.append(table);
  const rest = names.length - CLASSES;
  if (rest > 0) made.append(element("p", `and ${count(rest)} classes more in the API`, "quiet small"));
  return made;
}

const shareOf = ({ classes, boxes }, name) => (boxes ? (classes[name] || 0) / boxes : 0);

function headOf(splits) {
  const row = element("tr");
  row.append(cellOf("Boxes of"));
  for (const split of SPLITS) row.append(cellOf(`${split}: ${count(splits[split].boxes)}`));
  return row;
}

function cellOf(text) {
  const cell = element("th", text);
  cell.scope = "col";
  return cell;
}

function rowOf(name, splits, most) {
  const row = element("tr");
  const heading = element("th", name);
  heading.scope = "row";
  row.append(heading);
  for (const split of SPLITS) {
    const part = shareOf(splits[split], name);
    const cell = element("td");
    const text = element("span", `${count(splits[split].classes[name] || 0)} `);
    text.append(element("span", share(part), "quiet"));
    cell.append(bar(part / most), text);
    row.append(cell);
  }
  return row;
}
