"""The part of the client for ordinary code that is about A/B tests and shadow tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeVar

from sidecar.client import calls_trials
from sidecar.client.calls import Call
from sidecar.client.calls_trials import AB, SHADOW, act
from sidecar.client.results import Record

T = TypeVar("T")


class TrialMethods(ABC):
    """What ``Client`` can do about tests of versions."""

    @abstractmethod
    def _run(self, call: Call[T]) -> T:
        """Ask, and give what the answer holds."""

    def create_ab_test(
        self, name: str, model_a_id: str, model_b_id: str, config: dict[str, Any] | None = None
    ) -> Record:
        """Begin an A/B test: ``model_a_id`` serves now, ``model_b_id`` gets a share of the traffic.

        ``config`` has ``traffic_split`` (the share of model B), and may have ``metrics``, ``duration_days`` and more
        (docs/api.md). Raises InvalidRequest naming what is wrong, with status 409 where another test runs there.
        """
        return self._run(calls_trials.create_ab_test(name, model_a_id, model_b_id, config))

    def ab_tests(self, model_id: str | None = None, status: str | None = None) -> list[Record]:
        """A/B tests and how they stand, newest first, of one model or all, in one status or any."""
        return self._run(calls_trials.trials(AB, model_id, status))

    def ab_test(self, test_id: str) -> Record:
        """One A/B test and how it stands. Raises NotFound."""
        return self._run(calls_trials.trial(AB, test_id))

    def get_ab_test_results(self, test_id: str) -> Record:
        """What an A/B test comes to: ``model_a`` and ``model_b`` with their averages (NaN where there are none yet),
        ``p_value``, ``metrics``, ``verdict``, ``sentence``. Raises NotFound."""
        return self._run(calls_trials.ab_test_results(test_id))

    def pause_ab_test(self, test_id: str, reason: str = "") -> Record:
        """Send all traffic to control until it is resumed. Raises NotFound, InvalidRequest."""
        return self._run(act(AB, test_id, "pause", reason=reason))

    def resume_ab_test(self, test_id: str) -> Record:
        """Go on with the split of before the pause. Raises NotFound, InvalidRequest."""
        return self._run(act(AB, test_id, "resume"))

    def ramp_ab_test(self, test_id: str, traffic_split: float | dict[str, float]) -> Record:
        """Change the split: the share of all treatments together, or of each. Raises NotFound, InvalidRequest."""
        return self._run(act(AB, test_id, "ramp", traffic_split=traffic_split))

    def stop_ab_test(self, test_id: str, reason: str = "") -> Record:
        """End a test for good without a decision. Raises NotFound, InvalidRequest."""
        return self._run(act(AB, test_id, "stop", reason=reason))

    def conclude_ab_test(self, test_id: str, winner: str | None = None, note: str = "") -> Record:
        """End a test for good with a decision, for a variant or for none. Raises NotFound, InvalidRequest."""
        return self._run(act(AB, test_id, "conclude", winner=winner, note=note))

    def promote_ab_test(self, test_id: str, variant: str | None = None) -> Record:
        """Let a variant serve all traffic, the first treatment where none is named; a test that still runs is concluded
        with that. Raises NotFound, InvalidRequest."""
        return self._run(act(AB, test_id, "promote", variant=variant))

    def ab_test_metrics(self) -> list[Record]:
        """What a test can be about."""
        return self._run(calls_trials.ab_test_metrics())

    def create_shadow_test(
        self, name: str, model_id: str, shadow_model_id: str, config: dict[str, Any] | None = None
    ) -> Record:
        """Begin a shadow test: copies of requests to ``model_id`` go to ``shadow_model_id``, its answers to no client.

        ``config`` may have ``share``, ``duration_days`` and more (docs/api.md). Raises what ``create_ab_test`` raises.
        """
        return self._run(calls_trials.create_shadow_test(name, model_id, shadow_model_id, config))

    def shadow_tests(self, model_id: str | None = None, status: str | None = None) -> list[Record]:
        """Shadow tests and how they stand, newest first, of one model or all, in one status or any."""
        return self._run(calls_trials.trials(SHADOW, model_id, status))

    def shadow_test(self, test_id: str) -> Record:
        """One shadow test and how it stands. Raises NotFound."""
        return self._run(calls_trials.trial(SHADOW, test_id))

    def get_shadow_test_results(self, test_id: str) -> Record:
        """How far both versions agree: ``agreement`` and ``boxes`` (rates are NaN before any image was compared),
        ``flips``, ``classes``, ``latency``, ``sentence``. Raises NotFound."""
        return self._run(calls_trials.shadow_test_results(test_id))

    def pause_shadow_test(self, test_id: str, reason: str = "") -> Record:
        """Send no copies until it is resumed. Raises NotFound, InvalidRequest."""
        return self._run(act(SHADOW, test_id, "pause", reason=reason))

    def resume_shadow_test(self, test_id: str) -> Record:
        """Go on with the share of before the pause. Raises NotFound, InvalidRequest."""
        return self._run(act(SHADOW, test_id, "resume"))

    def ramp_shadow_test(self, test_id: str, share: float) -> Record:
        """Copy another share of requests. Raises NotFound, InvalidRequest."""
        return self._run(act(SHADOW, test_id, "ramp", share=share))

    def stop_shadow_test(self, test_id: str, reason: str = "") -> Record:
        """End a test for good. Raises NotFound, InvalidRequest."""
        return self._run(act(SHADOW, test_id, "stop", reason=reason))

    def promote_shadow_test(self, test_id: str) -> Record:
        """Let the shadow serve all traffic; a test that still runs is concluded with that. Raises NotFound,
        InvalidRequest."""
        return self._run(act(SHADOW, test_id, "promote"))
