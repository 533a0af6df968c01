// The settings: how the sidecar itself is, its configuration, the models it knows, and who may what.

import { runPage } from "../base/page.js";
import { refreshAccess, startAccess } from "./access.js";
import { refreshConfig, startConfig } from "./config.js";
import { refreshHealth } from "./health.js";
import { refreshModels, startModels } from "./models.js";

function start() {
  startConfig();
  startModels();
  startAccess();
}

runPage({
  start,
  sections: { health: refreshHealth, config: refreshConfig, models: refreshModels, access: refreshAccess },
});
