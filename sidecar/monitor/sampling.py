"""Which images the monitor asks a worker for, and what becomes of them when they come."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sidecar.types import Exchange, Prediction, alone

WANTED_MAX = 2_000
"""Requests whose body is awaited; the oldest is given up, and counted, for a newer one."""
PROBE = "input_probe"
PROBES_PER_S_MAX = 5

Life = tuple[int, int]
"""A worker and its epoch."""
Read = tuple[Life, Exchange, Sequence[Prediction]]
"""An exchange, who shipped it, and what was read of its response."""


class Decision(Protocol):
    """Why an image is kept, and with what probability.

    ``drawn``: the random sample drew it, at ``draw_rate``. ``value`` is what a review is worth, ``disagreement`` what a
    shadow test measured, both 0..1.
    """

    @property
    def reasons(self) -> tuple[str, ...]: ...
    @property
    def probability(self) -> float: ...
    @property
    def drawn(self) -> bool: ...
    @property
    def draw_rate(self) -> float: ...
    @property
    def value(self) -> float: ...
    @property
    def disagreement(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Both:
    """Two decisions to keep one image."""

    reasons: tuple[str, ...]
    probability: float
    drawn: bool
    draw_rate: float
    value: float
    disagreement: float


def _admitted(prediction: Prediction, why: Decision) -> Decision | None:
    return why


def _nobody(prediction: Prediction, why: Decision) -> None:
    """Takes nothing back."""


def _held_by_nobody(request_id: str) -> bool:
    return False


@dataclass(slots=True)
class Wanted:
    """A request whose body was asked for: what to keep of it, each image once, and whether it feeds the input probe."""

    headers: tuple[tuple[str, str], ...]
    keep: list[tuple[Prediction, Decision]] = field(default_factory=list)
    probe: Prediction | None = None

    def merge(self, other: Wanted) -> Wanted:
        """What both want of one request."""
        kept = {prediction.prediction_id: (prediction, decision) for prediction, decision in self.keep}
        for prediction, decision in other.keep:
            known = kept.get(prediction.prediction_id)
            kept[prediction.prediction_id] = prediction, decision if known is None else _both(known[1], decision)
        return replace(self, keep=list(kept.values()), probe=self.probe or other.probe)


class Sampling:
    """Decides over a batch of predictions, asks per request, hands what comes to ``keep``.

    ``decide`` says of each prediction that has a result whether to keep its image. What is awaited outlives its batch,
    and has arrays of its own. ``admit`` may refuse what is wanted for reasons that no rule knows, or say more of what
    it is worth. ``missed`` counts wanted images that could not be had, by (rule, reason), so that selection
    probabilities can be corrected for them; ``not_kept`` hears of each.
    """

    def __init__(
        self,
        decide: Callable[[Sequence[Prediction]], Sequence[Decision | None]],
        keep: Callable[[Wanted, bytes], None],
        want: Callable[[int, int, str], bool],
        release: Callable[[int, int, str], None],
        admit: Callable[[Prediction, Decision], Decision | None] = _admitted,
        not_kept: Callable[[Prediction, Decision], None] = _nobody,
    ) -> None:
        self._decide = decide
        self._keep = keep
        self._want = want
        self._release = release
        self._admit = admit
        self._not_kept = not_kept
        self._wanted: OrderedDict[str, Wanted] = OrderedDict()
        self.missed: Counter[tuple[str, str]] = Counter()
        self._probed_second = 0
        self._probed = 0

    def consider(self, batch: Sequence[Read], holds: Callable[[str], bool] = _held_by_nobody) -> None:
        """Ask for the bodies of these requests that a rule or the probe wants; let pinned ones go otherwise.

        A body that somebody ``holds`` may be wanted later, whatever the rules say: it stays until ``let_go``. The rules
        decide over the whole batch before any body is asked for, so one that can't be had is given back to their limits
        after that.
        """
        # A copy has no body of its own, and its image is its request's.
        batch = [read for read in batch if read[1].role != "shadow"]
        readable = [one for _, _, predictions in batch for one in predictions if one.detections is not None]
        decisions = iter(self._decide(readable))
        for life, exchange, predictions in batch:
            chosen = [
                (alone(prediction), decision)
                for prediction in predictions
                if prediction.detections is not None and (decision := next(decisions)) is not None
            ]
            probe = alone(predictions[0]) if self._is_probed(exchange, predictions[0]) else None
            request_id = exchange.prediction_id
            if chosen or probe is not None:
                self._ask(life, request_id, Wanted(exchange.request_headers, chosen, probe))
            elif _is_pinned(exchange) and request_id not in self._wanted and not holds(request_id):
                self._release(*life, request_id)

    def want_for(
        self,
        life: Life,
        request_id: str,
        headers: tuple[tuple[str, str], ...],
        keep: Sequence[tuple[Prediction, Decision]],
    ) -> None:
        """Ask for the body of a request of which these images are to be kept, for reasons that no rule knows.

        A rule may have asked for it already, or may do so later: what comes is kept for both.
        """
        admitted = [
            (alone(prediction), why)
            for prediction, asked in keep
            if (why := self._admit(prediction, asked)) is not None
        ]
        if admitted:
            self._ask(life, request_id, Wanted(headers, admitted))

    def let_go(self, life: Life, request_id: str) -> None:
        """A body that was held is not wanted any more, unless it was asked for: the worker has taken it then."""
        self._release(*life, request_id)

    def _ask(self, life: Life, request_id: str, wanted: Wanted) -> None:
        known = self._wanted.get(request_id)
        if known is not None:
            self._wanted[request_id] = known.merge(wanted)
            return
        if not self._want(*life, request_id):
            self._count(wanted, "worker_gone")
            return
        self._wanted[request_id] = wanted
        if len(self._wanted) > WANTED_MAX:
            self._count(self._wanted.popitem(last=False)[1], "wanted_full")

    def _is_probed(self, exchange: Exchange, prediction: Prediction) -> bool:
        """Whether the probe measures this one: the worker drew it, and this second's allowance is not used up."""
        if PROBE not in exchange.pinned or prediction.detections is None:
            return False
        if int(exchange.started_at) != self._probed_second:
            self._probed_second, self._probed = int(exchange.started_at), 0
        self._probed += 1
        if self._probed > PROBES_PER_S_MAX:
            self.missed[PROBE, "rate"] += 1
            return False
        return True

    def image(self, prediction_id: str, body: bytes) -> None:
        wanted = self._wanted.pop(prediction_id, None)
        if wanted is not None:
            self._keep(wanted, body)

    def missing(self, prediction_id: str, reason: str) -> None:
        wanted = self._wanted.pop(prediction_id, None)
        if wanted is not None:
            self._count(wanted, reason)

    def _count(self, wanted: Wanted, reason: str) -> None:
        for prediction, decision in wanted.keep:
            for rule in decision.reasons:
                self.missed[rule, reason] += 1
            self._not_kept(prediction, decision)
        if wanted.probe is not None:
            self.missed[PROBE, reason] += 1


def _is_pinned(exchange: Exchange) -> bool:
    """Whether the worker keeps its body until it is told: a rule drew it, or it was copied to a shadow."""
    return bool(exchange.pinned) or (exchange.role == "serving" and exchange.experiment != "")


def _both(one: Decision, other: Decision) -> Both:
    left_out = (1 - one.probability) * (1 - other.probability)
    return Both(
        tuple(dict.fromkeys((*one.reasons, *other.reasons))),
        1 - left_out,
        one.drawn or other.drawn,
        max(one.draw_rate, other.draw_rate),
        max(one.value, other.value),
        max(one.disagreement, other.disagreement),
    )
