// What is normal for each model version, how far the latest check found it from that, and any two periods compared.

import { runPage } from "../base/page.js";
import { showBaselines, startBaselines } from "./baselines.js";
import { refreshChecks, startChecks } from "./checks.js";
import { startCompare } from "./compare.js";
import { BASELINES, LATEST, refreshDrift, versionsOf } from "./list.js";

async function baselines(ask) {
  showBaselines((await ask(BASELINES)).items);
}

async function checks(ask) {
  const [models, kept, latest] = await Promise.all([ask("/api/v1/models"), ask(BASELINES), ask(LATEST)]);
  const names = new Map(kept.items.map(({ baseline_id: id, name }) => [id, name]));
  const mark = latest.items.map(({ model_id: model, checked_at: at }) => `${model} ${at}`).join();
  await refreshChecks(versionsOf(models, kept.items).map(({ id }) => id), mark, names);
}

runPage({
  start: () => {
    startCompare();
    startChecks();
    startBaselines();
  },
  sections: { drift: refreshDrift, checks, baselines },
});
