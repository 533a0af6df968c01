// Alerts: how they stand, what changed, what can be done.

import { runPage } from "../base/page.js";
import { refreshHistory, startHistory } from "./history.js";
import { refreshAlerts, startAlerts } from "./list.js";

runPage({
  start: () => {
    startAlerts();
    startHistory();
  },
  sections: { alerts: refreshAlerts, "alerts-history": refreshHistory },
});
