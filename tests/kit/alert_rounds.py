"""An alert on a fake clock, and what its rounds read."""

from dataclasses import dataclass, field, replace

from sidecar.alerts.alert_state import AlertState, Outcome
from sidecar.alerts.condition import Condition
from sidecar.alerts.facts import Reading, nothing
from sidecar.alerts.states import Step, Transition, step

AT_ONCE = Condition("error_rate", "gt", 0.05, 900.0)
IN_A_MINUTE = replace(AT_ONCE, for_s=60.0)
READINGS = {
    Outcome.BREACH: Reading(0.2, 50),
    Outcome.OK: Reading(0.01, 50),
    Outcome.NO_DATA: nothing("too few samples: 2 of 30 requests", 2),
    Outcome.HELD: nothing("not looked at"),
}


@dataclass
class Alert:
    """One alert on a fake clock of rounds of ten seconds."""

    condition: Condition = AT_ONCE
    state: AlertState = field(default_factory=AlertState)
    now: float = 1_000.0
    heard: bool = True
    states: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)

    def round(self, outcome: Outcome, elapsed_s: float = 10.0) -> Step:
        self.now += elapsed_s
        timing = {"now": self.now, "elapsed_s": elapsed_s}
        done = step(self.state, self.condition, outcome, READINGS[outcome], **timing, of="det", heard=self.heard)
        self.state = done.state
        self.states.append(done.state.state.value)
        self.notices += [done.notice] if done.notice else []
        self.transitions += [done.transition] if done.transition else []
        return done

    def rounds(self, *outcomes: Outcome, elapsed_s: float = 10.0) -> "Alert":
        for outcome in outcomes:
            self.round(outcome, elapsed_s)
        return self
