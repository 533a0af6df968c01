// The names by which people choose models.

/** Ids of versions, `name@version`, of the answer of /api/v1/models. */
export function versionIds({ recorded, figures }) {
  const found = [...recorded, ...figures].filter(({ model }) => model);
  return [...new Set(found.map(({ model, version }) => (version ? `${model}@${version}` : model)))].sort();
}

/** Names of models of which predictions are recorded. */
export function recordedModels({ recorded }) {
  return [...new Set(recorded.map(({ model }) => model))].filter((model) => model).sort();
}
