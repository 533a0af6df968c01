// The checks of the continuous monitor over time: each score as a line, and every check as a row.

import { get } from "../base/api.js";
import { arrange, badge, byId, element, setText, showText } from "../base/dom.js";
import { period } from "../base/format.js";
import { ChecksChart } from "./checks_chart.js";
import { compareLink } from "./compare.js";
import { SCORE_KEYS, scoreName, VERDICTS } from "./scores.js";

const LIMIT = 60;
const chart = new ChecksChart(SCORE_KEYS);
let shown = ""; // what was asked for when the checks were read last
let ids = "";

export function startChecks() {
  byId("checks-chart").append(chart.node);
  byId("checks-key").append(...SCORE_KEYS.map(keyOf));
  byId("checks-of").addEventListener("change", async () => {
    shown = "";
    await show(byId("checks-of").value, "", new Map());
  });
}

/** `mark` changes with every check that is made; `names` are of baselines, by id. */
export async function refreshChecks(versions, mark, names) {
  const select = byId("checks-of");
  if (ids !== JSON.stringify(versions)) {
    ids = JSON.stringify(versions);
    const chosen = select.value;
    select.replaceChildren(...versions.map((id) => new Option(id, id)));
    if (versions.includes(chosen)) select.value = chosen;
  }
  await show(select.value, mark, names);
}

async function show(id, mark, names) {
  const now = `${id} ${mark} ${names.size}`;
  if (!id || now === shown) return;
  const page = await get(`/api/v1/drift/checks?${new URLSearchParams({ model_id: id, slice: "", limit: LIMIT })}`);
  if (byId("checks-of").value !== id) return;
  shown = now;
  const checks = page.items.filter((check) => check.model_id === id);
  showText(byId("checks-empty"), checks.length ? "" : `${id} was not compared with a baseline yet.`);
  byId("checks-drawn").hidden = checks.length < 2;
  byId("checks-table").hidden = checks.length === 0;
  if (checks.length >= 2) chart.show([...checks].reverse());
  arrange(byId("checks-rows"), checks, {
    key: (check) => `${check.model_id} ${check.until} ${check.checked_at}`,
    stamp: (check) => `${check.checked_at} ${names.get(check.baseline_id)}`,
    make: () => element("tr"),
    fill: (row, check) => fillRow(row, check, names.get(check.baseline_id)),
  });
  setText(byId("checks-note"), page.next === null ? "" : `The latest ${LIMIT} are shown.`);
}

function fillRow(row, check, baseline) {
  const { report } = check;
  const when = element("th", period(check.since, check.until));
  when.scope = "row";
  const whose = check.reference && check.reference.model_id;
  if (whose && whose !== check.model_id) when.append(element("span", `baseline of ${whose}`, "quiet whose"));
  const verdict = element("td");
  verdict.append(badge(...VERDICTS[report.verdict]));
  const scores = SCORE_KEYS.map((key) => {
    const score = report.scores[key];
    const tested = Boolean(score) && score.corrected !== null;
    const value = tested ? score.corrected : score ? score.distance : null;
    const cell = element("td", value === null ? "–" : value.toFixed(2), `number${score && score.significant ? " bad" : tested ? "" : " quiet"}`);
    if (value !== null && !tested) cell.append(" not tested");
    return cell;
  });
  const draw = element("td");
  if (baseline) {
    const link = compareLink("Draw", { model_id: check.model_id, reference_period: baseline, current_period: spanOf(check), slice: check.slice });
    link.setAttribute("aria-label", `Draw the check of ${period(check.since, check.until)}`);
    draw.append(link);
  } else draw.append(element("span", "baseline gone", "quiet"));
  row.replaceChildren(when, verdict, ...scores, draw);
}

/** A check's window as the API reads a period. */
export function spanOf({ since, until }) {
  const text = (at) => new Date(at * 1000).toISOString();
  return `${text(since)}/${text(until)}`;
}

function keyOf(key, place) {
  const made = element("span", undefined, "series-key");
  const mark = element("span", undefined, `line line-${place + 1}`);
  mark.setAttribute("aria-hidden", "true");
  made.append(mark, scoreName(key));
  return made;
}
