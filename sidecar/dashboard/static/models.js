// Model versions: their figures since the start.

import { arrange, bar, byId, element, figure } from "./dom.js";
import { count, milliseconds, percent } from "./format.js";

const CLASSES = 5;

export function showModels(figures) {
  arrange(byId("models"), figures, {
    key: ({ model, version, role }) => JSON.stringify([model, version, role]),
    stamp: JSON.stringify,
    make: () => element("article", undefined, "card"),
    fill: fillCard,
  });
  byId("models-empty").hidden = figures.length > 0;
}

function fillCard(card, figures) {
  const title = element("h3", figures.model || "unnamed");
  if (figures.version) title.append(element("span", figures.version, "tag"));
  title.append(element("span", figures.role, "tag"));
  const list = element("dl", undefined, "figures");
  list.append(
    figure("Requests", count(figures.requests)),
    figure("Errors", percent(figures.error_rate), figures.errors > 0),
    figure("Unreadable", count(figures.undecodable), figures.undecodable > 0),
    figure("Latency p50", milliseconds(figures.latency.p50_ms)),
    figure("p95", milliseconds(figures.latency.p95_ms)),
    figure("p99", milliseconds(figures.latency.p99_ms)),
    figure("Detections", count(figures.detections)),
    figure("Avg confidence", figures.avg_confidence === null ? "–" : figures.avg_confidence.toFixed(3)),
    figure("Without any", percent(figures.images ? figures.images_without_detections / figures.images : null)),
  );
  card.replaceChildren(title, list);
  const classes = Object.entries(figures.classes).slice(0, CLASSES);
  if (classes.length) card.append(classBars(classes));
}

function classBars(classes) {
  const list = element("ul", undefined, "classes");
  list.setAttribute("aria-label", "Most frequent classes");
  const most = Math.max(...classes.map(([, n]) => n));
  for (const [name, n] of classes) {
    const row = element("li");
    const label = element("span", name, "name");
    label.title = name;
    row.append(label, bar(n / most), element("span", count(n), "count"));
    list.append(row);
  }
  return list;
}
