// The forms of datasets: a new one, a version, labels from another tool, and training on a version.

import { get, LONG_MS, post, upload } from "../base/api.js";
import { openForm } from "../base/form_dialog.js";

const NONE = { value: "", text: "none" };
const IMPORTS = [
  { value: "coco", text: "COCO" },
  { value: "label_studio", text: "Label Studio (export as JSON)" },
];

export const datasetAddress = (id) => `/api/v1/datasets/${encodeURIComponent(id)}`;
export const titleOf = ({ name, id }) => name || id;

/** Null where the form was left; so with the others. */
export function newDataset() {
  return openForm({
    title: "New dataset",
    note: "Images come to it from the data engines whose target it is.",
    button: "Make it",
    fields: [
      { name: "name", label: "Name", required: true },
      { name: "id", label: "Id", note: "Small letters, digits and hyphens. Leave empty: it is made of the name." },
    ],
    send: ({ name, id }) => post("/api/v1/datasets", id ? { name, id } : { name }),
  });
}

export function newVersion(dataset, versions, by) {
  const parents = versions.map((version) => ({ value: version.id, text: titleOf(version) }));
  return openForm({
    title: `Make a version of ${dataset.name}`,
    note:
      `All ${dataset.by_status.labeled} labeled images as they are now, never to change. They are split into train, val ` +
      "and test; what is alike stays on one side.",
    button: "Make it",
    fields: [
      { name: "name", label: "Name (may be empty)" },
      {
        name: "parent",
        path: "parent_version_id",
        label: "Follows",
        kind: "choice",
        options: [...parents, NONE],
        value: parents.length ? parents[0].value : "",
      },
    ],
    send: ({ name, parent }) =>
      post(`${datasetAddress(dataset.id)}/versions`, { name, parent_version_id: parent || null, by }, LONG_MS),
  });
}

export function importLabels(dataset, by) {
  return openForm({
    title: `Import labels into ${dataset.name}`,
    note: "Labels replace those that its images have; each can be taken back. Images are known by the names of the export.",
    button: "Import them",
    fields: [
      { name: "file", path: "body", label: "File", kind: "file", accept: ".json,application/json", required: true },
      { name: "format", label: "Made by", kind: "choice", options: IMPORTS, value: "coco" },
    ],
    send: ({ file: [file], format }) =>
      upload(`${datasetAddress(dataset.id)}/labels?${new URLSearchParams({ format, by })}`, file),
  });
}

export async function newTraining(dataset, version, modelIds, by) {
  const settings = await get("/api/v1/settings");
  const trainers = [...(settings.trainers || []).map(({ name }) => name), "manual"];
  return openForm({
    title: `Train on ${titleOf(version)}`,
    note:
      `${dataset.name}, ${version.items} images. The trainer gets the exported version; what it makes can then be put ` +
      "to the test.",
    button: "Begin the training",
    fields: [
      { name: "name", label: "Name of the job", required: true },
      {
        name: "base",
        path: "base_model_id",
        label: "Base model: to train on from",
        note: "name@version",
        options: modelIds,
        picks: true,
        required: true,
      },
      {
        name: "trainer",
        label: "Trainer",
        note: "Leave empty for the one that is configured; manual leaves the work to people.",
        options: trainers,
        picks: true,
      },
    ],
    send: ({ name, base, trainer }) =>
      post(
        "/api/v1/training-jobs",
        { name, dataset_id: dataset.id, version_id: version.id, base_model_id: base, trainer: trainer || null, by },
        LONG_MS,
      ),
  });
}
