// The dashboard: asks the public API every few seconds and shows the answers. Text goes in by textContent only.

const REFRESH_MS = 5000;
const SVG = "http://www.w3.org/2000/svg";
const ROWS = 25;
const SAMPLES = 12;
const CLASSES = 5;
const byId = (id) => document.getElementById(id);
const predictionsSeen = new Map(); // prediction id -> its document, for the boxes of samples
const SEEN_MAX = 200;

class LoggedOut extends Error {}

async function get(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (answer.status === 401) throw new LoggedOut();
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function drawing(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const count = (value) => (value < 100000 ? whole.format(value) : short.format(value));
const percent = (value) => (value === null ? "–" : `${(value * 100).toFixed(value > 0 && value < 0.01 ? 2 : 1)} %`);
const milliseconds = (value) => {
  if (value === null) return "–";
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
};
const clock = (at) => new Date(at * 1000).toLocaleTimeString(undefined, { hour12: false });
const named = (model, version) => (version ? `${model || "unnamed"} ${version}` : model || "unnamed");

function duration(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

function showState(text, kind) {
  const state = byId("state");
  if (state.textContent !== text) state.textContent = text; // else a screen reader repeats it
  state.className = `state ${kind}`;
}

function showStatus(status) {
  showState(status.ok ? "All well" : "Needs attention", status.ok ? "good" : "bad");
  byId("version").textContent = status.version ? `Version ${status.version},` : "";
  byId("uptime").textContent = `up ${duration(status.uptime_s)}`;
  byId("faults").hidden = status.ok;
  byId("fault-list").replaceChildren(...status.faults.map((fault) => element("li", fault)));
}

function figure(term, value, bad) {
  const pair = element("div");
  pair.append(element("dt", term), element("dd", value, bad ? "bad" : ""));
  return pair;
}

function modelCard(figures) {
  const card = element("article", undefined, "card");
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
  card.append(title, list);
  const classes = Object.entries(figures.classes).slice(0, CLASSES);
  if (classes.length) card.append(classBars(classes));
  return card;
}

function classBars(classes) {
  const list = element("ul", undefined, "classes");
  list.setAttribute("aria-label", "Most frequent classes");
  const most = Math.max(...classes.map(([, n]) => n));
  for (const [name, n] of classes) {
    const bar = drawing("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
    bar.append(drawing("rect", { width: (100 * n) / most, height: 8, rx: 1 }));
    const row = element("li");
    const label = element("span", name, "name");
    label.title = name;
    row.append(label, bar, element("span", count(n), "count"));
    list.append(row);
  }
  return list;
}

function showModels(figures) {
  byId("models").replaceChildren(...figures.map(modelCard));
  byId("models-empty").hidden = figures.length > 0;
}

function outcome(prediction) {
  if (prediction.error) return prediction.error;
  if (prediction.undecodable) return `unreadable: ${prediction.undecodable}`;
  if (prediction.detections === null) return "–";
  const found = new Map();
  for (const { label, confidence } of prediction.detections) {
    if (confidence !== null && confidence < prediction.score_threshold) continue;
    found.set(label, (found.get(label) || 0) + 1);
  }
  if (!found.size) return "none";
  const names = [...found].map(([label, n]) => (n > 1 ? `${n} × ${label}` : label));
  return names.length > 6 ? `${names.slice(0, 6).join(", ")}, …` : names.join(", ");
}

function predictionRow(prediction) {
  const row = element("tr");
  const time = element("td");
  const stamp = element("time", clock(prediction.at));
  stamp.dateTime = new Date(prediction.at * 1000).toISOString();
  stamp.title = stamp.dateTime;
  time.append(stamp);
  const id = element("td");
  const link = element("a");
  link.href = `/api/v1/predictions/${encodeURIComponent(prediction.prediction_id)}`;
  link.append(element("code", prediction.prediction_id));
  id.append(link);
  const model = element("td", named(prediction.model, prediction.version), "long");
  model.title = model.textContent;
  const failed = prediction.status >= 500 || prediction.error !== "";
  row.append(
    time,
    id,
    model,
    element("td", prediction.role),
    element("td", prediction.status === 0 ? "left" : String(prediction.status), failed ? "number bad" : "number"),
    element("td", milliseconds(prediction.latency_ms), "number"),
    element("td", outcome(prediction)),
  );
  return row;
}

function showPredictions(items) {
  byId("predictions").replaceChildren(...items.map(predictionRow));
  byId("predictions-empty").hidden = items.length > 0;
  for (const item of items) remember(item.prediction_id, item);
}

function remember(id, prediction) {
  predictionsSeen.set(id, prediction);
  if (predictionsSeen.size > SEEN_MAX) predictionsSeen.delete(predictionsSeen.keys().next().value);
}

async function predictionOf(sample) {
  if (!predictionsSeen.has(sample.prediction_id)) {
    const path = `/api/v1/predictions/${encodeURIComponent(sample.prediction_id)}`;
    // A prediction may be deleted before its sample is: then the image stands without boxes.
    remember(sample.prediction_id, await get(path).catch(() => null));
  }
  return predictionsSeen.get(sample.prediction_id);
}

function sampleFigure(sample, prediction) {
  const figureElement = element("figure", undefined, "sample");
  figureElement.dataset.id = sample.sample_id;
  const width = sample.width || 640;
  const height = sample.height || 480;
  const address = `/api/v1/samples/${encodeURIComponent(sample.sample_id)}/image`;
  const picture = drawing("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  const title = drawing("title", {});
  title.textContent = `Sample ${sample.sample_id}`;
  picture.append(title, drawing("image", { href: address, width, height, preserveAspectRatio: "xMidYMid meet" }));
  for (const detection of (prediction && prediction.detections) || []) {
    if (detection.confidence !== null && detection.confidence < prediction.score_threshold) continue;
    picture.append(boxOf(detection, width, height));
  }
  const link = element("a", undefined, "frame");
  link.href = address;
  link.append(picture);
  const caption = element("figcaption");
  caption.append(
    element("div", sample.reasons.join(", ").replaceAll("_", " ")),
    element("div", `${named(sample.model, sample.version)}, ${clock(sample.at)}`, "quiet"),
  );
  figureElement.append(link, caption);
  return figureElement;
}

function boxOf({ label, confidence, box, normalised }, width, height) {
  const [x1, y1, x2, y2] = box.map((edge, axis) => (edge || 0) * (normalised ? (axis % 2 ? height : width) : 1));
  const rect = drawing("rect", { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0) });
  const title = drawing("title", {});
  title.textContent = confidence === null ? label : `${label} ${confidence.toFixed(2)}`;
  rect.append(title);
  return rect;
}

async function showSamples(items) {
  byId("samples-empty").hidden = items.length > 0;
  const shown = [...byId("samples").children].map((child) => child.dataset.id).join();
  if (shown === items.map((item) => item.sample_id).join()) return; // else every refresh would flicker
  const predictions = await Promise.all(items.map(predictionOf));
  byId("samples").replaceChildren(...items.map((item, index) => sampleFigure(item, predictions[index])));
}

async function refresh() {
  const [status, models, predictions, samples] = await Promise.all([
    get("/api/v1/status"),
    get("/api/v1/models"),
    get(`/api/v1/predictions?limit=${ROWS}`),
    get(`/api/v1/samples?limit=${SAMPLES}`),
  ]);
  showStatus(status);
  showModels(models.figures);
  showPredictions(predictions.items);
  await showSamples(samples.items);
}

async function run() {
  for (;;) {
    if (!document.hidden) {
      try {
        await refresh();
      } catch (error) {
        if (error instanceof LoggedOut) {
          location.assign("/login");
          return;
        }
        showState("No answer from the sidecar; trying again", "bad");
      }
    }
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

run();
