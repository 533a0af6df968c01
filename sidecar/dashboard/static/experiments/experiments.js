// Experiments: A/B and shadow tests of versions.

import { runPage } from "../base/page.js";
import { refreshTrials, startTrials } from "./list.js";

runPage({
  start: startTrials,
  sections: { trials: (ask) => refreshTrials(ask("/api/v1/models")) },
});
