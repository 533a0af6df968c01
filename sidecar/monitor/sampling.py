"""Which images the monitor asks a worker for, and what becomes of them when they come."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sidecar.types import Exchange, Prediction

WANTED_MAX = 2_000
"""Requests whose body is awaited; the oldest is given up, and counted, for a newer one."""
PROBE = "input_probe"
PROBES_PER_S_MAX = 5


class Decision(Protocol):
    """Why an image is kept, and with what probability."""

    @property
    def reasons(self) -> tuple[str, ...]: ...
    @property
    def probability(self) -> float: ...


@dataclass(slots=True)
class Wanted:
    """A request whose body was asked for: what to keep of it, and whether it feeds the input probe."""

    headers: tuple[tuple[str, str], ...]
    keep: list[tuple[Prediction, Decision]] = field(default_factory=list)
    probe: Prediction | None = None


class Sampling:
    """Decides per prediction, asks per request, hands what comes to ``keep`` and ``probe``.

    ``missed`` counts wanted images that could not be had, by (rule, reason), so that selection probabilities can be
    corrected for them.
    """

    def __init__(
        self,
        decide: Callable[[Prediction], Decision | None],
        keep: Callable[[Wanted, bytes], None],
        want: Callable[[int, int, str], bool],
        release: Callable[[int, int, str], None],
    ) -> None:
        self._decide = decide
        self._keep = keep
        self._want = want
        self._release = release
        self._wanted: OrderedDict[str, Wanted] = OrderedDict()
        self.missed: Counter[tuple[str, str]] = Counter()
        self._probed_second = 0
        self._probed = 0

    def consider(self, life: tuple[int, int], exchange: Exchange, predictions: Sequence[Prediction]) -> None:
        """Ask for the body of this request if a rule or the probe wants it; let a pinned one go otherwise."""
        chosen = [
            (prediction, decision)
            for prediction in predictions
            if prediction.detections is not None and (decision := self._decide(prediction)) is not None
        ]
        probe = predictions[0] if self._is_probed(exchange, predictions[0]) else None
        if not chosen and probe is None:
            if exchange.pinned:
                self._release(*life, exchange.prediction_id)
            return
        wanted = Wanted(exchange.request_headers, chosen, probe)
        if not self._want(*life, exchange.prediction_id):
            self._count(wanted, "worker_gone")
            return
        self._wanted[exchange.prediction_id] = wanted
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
        for _, decision in wanted.keep:
            for rule in decision.reasons:
                self.missed[rule, reason] += 1
        if wanted.probe is not None:
            self.missed[PROBE, reason] += 1
