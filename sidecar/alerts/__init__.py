"""Rules over what was measured: judged each round, moved from state to state, and put into words.

What it is for: somebody should hear when a model, or the sidecar, is not as it should be; once, with what a person
needs to know, and not again until that changes. All but ``channels`` and ``delivery`` is pure: no clock, no disk, no
randomness; wall and elapsed time come in as arguments.

Key types: a ``Condition`` (``parse_condition`` tells all faults of a document at once) is about one of ``METRICS``;
``Figures`` add up the summaries of its window; ``read`` judges it on the ``Facts`` and gives an ``Outcome`` and a
``Reading``; ``step`` takes an ``AlertState`` to the next, with the ``Transition`` and the notice that come of it;
``replay`` does the same over the past, all looks at once;
``notice_of`` makes the ``Notice`` to send. ``JumpWatch`` knows how much time passed and whether to trust the clock.

Invariants:

- Time is counted in elapsed seconds. No wall clock, however it jumps, makes a transition or a notice.
- An alert fires only after a breach of its ``for``; every change of state is a transition, and ``TABLE`` has them all.
- No firing stays untold, unless a silence, an acknowledgement or the notice that it flaps covers it; firing and
  resolved alternate, so that a receiver is never left with an alert that has ended.
- A state comes back from its document as it was: a restart changes nothing but what a silence may have left.
"""

from sidecar.alerts.alert_state import AlertState, Outcome, State
from sidecar.alerts.answers import AnswerError, acknowledge, resumed, silence
from sidecar.alerts.catalogue import METRICS, Metric
from sidecar.alerts.clock import JumpWatch, Tick
from sidecar.alerts.condition import Condition, ConditionError, condition_document, parse_condition
from sidecar.alerts.defaults import DefaultAlert, default_alerts, sidecar_alerts
from sidecar.alerts.facts import Facts, Reading
from sidecar.alerts.figures import Figures
from sidecar.alerts.metrics import judged, limits_of, measured, read
from sidecar.alerts.notice import Notice
from sidecar.alerts.preview import Firing, Look, Point, Replayed, replay
from sidecar.alerts.running import RunningSums
from sidecar.alerts.sentences import condition_text, sentence_of
from sidecar.alerts.states import Step, Transition, advance, step
from sidecar.alerts.telling import notice_of

__all__ = [
    "METRICS",
    "AlertState",
    "AnswerError",
    "Condition",
    "ConditionError",
    "DefaultAlert",
    "Facts",
    "Figures",
    "Firing",
    "JumpWatch",
    "Look",
    "Metric",
    "Notice",
    "Outcome",
    "Point",
    "Reading",
    "Replayed",
    "RunningSums",
    "State",
    "Step",
    "Tick",
    "Transition",
    "acknowledge",
    "advance",
    "condition_document",
    "condition_text",
    "default_alerts",
    "judged",
    "limits_of",
    "measured",
    "notice_of",
    "parse_condition",
    "read",
    "replay",
    "resumed",
    "sentence_of",
    "sidecar_alerts",
    "silence",
    "step",
]
