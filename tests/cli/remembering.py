"""A client that keeps tests in memory, for the commands in front of it.

It stands in for the API of A/B tests and shadow tests: what counts here is what the commands ask of it and how they
tell the answer.
"""

from __future__ import annotations

from typing import Any

from sidecar.client import Client, FieldError, InvalidRequest, NotFound
from sidecar.client.results import Record
from sidecar.experiments import METRICS
from sidecar.experiments.pairs import PairSummary
from tests.cli.trial_documents import START, ab_results, ab_test, shadow_report, shadow_test


class Remembering(Client):
    """``kept`` are all tests by id, ``asked`` what was asked, newest last; ``faults`` refuse what comes next."""

    kept: dict[str, Record]
    asked: list[tuple[Any, ...]]
    faults: list[tuple[str, str]]

    def create_ab_test(
        self, name: str, model_a_id: str, model_b_id: str, config: dict[str, Any] | None = None
    ) -> Record:
        made = ab_test({"A": model_a_id, "B": model_b_id}, name=name, id=name.lower().replace(" ", "-"))
        return self._keep(made, "create", name, model_a_id, model_b_id, config)

    def create_shadow_test(
        self, name: str, model_id: str, shadow_model_id: str, config: dict[str, Any] | None = None
    ) -> Record:
        made = shadow_test(name=name, id=name.lower().replace(" ", "-"))
        return self._keep(made, "create", name, model_id, shadow_model_id, config)

    def ab_tests(self, model_id: str | None = None, status: str | None = None) -> list[Record]:
        return self._list("ab_test", model_id, status)

    def shadow_tests(self, model_id: str | None = None, status: str | None = None) -> list[Record]:
        return self._list("shadow_test", model_id, status)

    def ab_test(self, test_id: str) -> Record:
        if test_id not in self.kept:
            message = f"no test has the id {test_id!r}"
            raise NotFound(message, errors=[FieldError("id", message)])
        return self.kept[test_id]

    shadow_test = ab_test

    def get_ab_test_results(self, test_id: str) -> Record:
        return Record.of(ab_results(self.ab_test(test_id), []))

    def get_shadow_test_results(self, test_id: str) -> Record:
        return Record.of(shadow_report(self.shadow_test(test_id), PairSummary()))

    def ab_test_metrics(self) -> list[Record]:
        return [Record.of(metric.to_dict()) for metric in METRICS.values()]

    def pause_ab_test(self, test_id: str) -> Record:
        return self._change("pause", test_id, status="paused")

    def resume_ab_test(self, test_id: str) -> Record:
        return self._change("resume", test_id, status="running")

    def ramp_ab_test(self, test_id: str, traffic_split: float | dict[str, float]) -> Record:
        return self._change("ramp", test_id, traffic_split)

    def stop_ab_test(self, test_id: str, reason: str = "") -> Record:
        return self._change("stop", test_id, reason, status="stopped", ended_at=START, reason=reason)

    def conclude_ab_test(self, test_id: str, winner: str | None = None, note: str = "") -> Record:
        decision = Record(winner=winner, note=note)
        return self._change("conclude", test_id, winner, note, status="concluded", ended_at=START, decision=decision)

    def promote_ab_test(self, test_id: str, variant: str | None = None) -> Record:
        ended = {"status": "concluded", "ended_at": START, "promoted": variant or "B", "promoted_at": START}
        return self._change("promote", test_id, variant, **ended)

    pause_shadow_test = pause_ab_test
    resume_shadow_test = resume_ab_test
    stop_shadow_test = stop_ab_test

    def ramp_shadow_test(self, test_id: str, share: float) -> Record:
        return self._change("ramp", test_id, share, share=share)

    def promote_shadow_test(self, test_id: str) -> Record:
        return self.promote_ab_test(test_id)

    def _list(self, kind: str, model_id: str | None, status: str | None) -> list[Record]:
        self.asked.append(("list", model_id, status))
        return [
            test
            for test in self.kept.values()
            if test.kind == kind and model_id in (None, test.model) and status in (None, test.status)
        ]

    def _keep(self, made: dict[str, Any], *asked: Any) -> Record:
        self.asked.append(asked)
        if self.faults:
            raise InvalidRequest("no", errors=[FieldError(*fault) for fault in self.faults])
        return self.kept.setdefault(made["id"], Record.of(made))

    def _change(self, action: str, test_id: str, *asked: Any, **changes: Any) -> Record:
        test = self.ab_test(test_id)
        self.asked.append((action, test_id, *asked))
        if test.ended_at is not None and action != "promote":
            message = f"{test_id!r} is {test.status}: it can't {action}, only promote"
            raise InvalidRequest(message, errors=[FieldError("status", message)])
        test.update(changes)
        return test
