// The sidecar's own parts, in words.

/** Where something waits: its name, what it is made of, and what it waits for. */
export const STAGES = {
  tap: { name: "With the workers", where: "with the workers", note: "answers that the monitor has not recorded yet" },
  link: { name: "At the monitor", where: "at the monitor", things: ["frame", "frames"], note: "came over the link, not decoded yet" },
  writer: { name: "With the store", where: "with the store", things: ["prediction", "predictions"], note: "being written this moment" },
  images: { name: "Images on their way", where: "between workers and monitor", things: ["image", "images"], note: "handed over by the workers" },
  samples: { name: "Images to be kept", where: "to be kept", things: ["request", "requests"], note: "being looked at and written" },
  notifications: { name: "Notices of alerts", where: "to be sent", things: ["notice", "notices"], note: "not sent and not given up" },
};

const ADVICE = [
  [/^store: full/, "Make room on the disk; recording goes on by itself"],
  [/^store: readonly/, "The data folder must be writable for the sidecar's user"],
  [/^store: corrupt/, "It is set aside and a fresh one begun"],
  [/^store: /, "Workers keep what they can; then it is dropped and counted"],
  [/: not connected$/, "It serves on with its last good settings; one that has ended is started again by itself"],
  [/ addresses of upstream \S+ (is|are) /, "The others serve; ask that server itself, from this machine"],
  [/upstream \S+ is down.*; control answers for it /, "Nothing of that test is analysed meanwhile"],
  [/upstream \S+ is down/, "Requests to it fail; ask the model server itself, from this machine"],
  [/^certificate of .* ended /, "Nobody accepts it any more: put a new pair in its place, it is taken up by itself"],
  [/^certificate of /, "Put a new pair in its place, it is taken up by itself"],
  [/^files of TLS of /, "What was read before stays in use, but a worker that starts now has nothing"],
  [/^notifications to /, "Alerts fire and nobody hears of them there"],
  [/ fails and is tried again: /, "The rest goes on; the log has the whole fault"],
];

/** What helps, or what it costs; empty where there is nothing to say. */
export function adviceOn(fault) {
  const found = ADVICE.find(([pattern]) => pattern.test(fault));
  return found ? found[1] : "";
}

/** Whether what is left out at a stage is missing from the record; an image that was not kept is not. */
export const isLoss = (stage) => !/^(sample_|image$|feedback$)/.test(stage);

const PLACES = {
  tap: "Too far behind",
  link: "On the link",
  pipeline: "On the link",
  store: "Refused by the store",
  trials: "Sums of a test of versions",
  tally: "Counts of a test of versions",
  settings: "Settings not taken",
  image: "Images on their way",
  feedback: "Old feedback",
};

/** What was left out, as a heading. */
export function dropName(stage) {
  if (stage.startsWith("sample_")) return `Images of ${stage.slice("sample_".length).replaceAll("_", " ")}`;
  return PLACES[stage] || stage;
}
