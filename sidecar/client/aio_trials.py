"""The part of the client for asyncio that is about A/B tests and shadow tests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sidecar.client import calls_trials
from sidecar.client.aio_asking import AsyncAsking
from sidecar.client.calls import Filter
from sidecar.client.calls_trials import act
from sidecar.client.pages import AsyncPages
from sidecar.client.records import (
    AbHistory,
    AbResults,
    AbTest,
    AbTestMetric,
    ShadowHistory,
    ShadowPair,
    ShadowResults,
    ShadowTest,
)
from sidecar.client.results import Records


class AsyncTrialMethods(AsyncAsking):
    """What ``AsyncClient`` can do about tests of versions.

    ``if_match``, a test's ``etag`` as it was read, makes sure that nobody changed the test since: else Changed is
    raised.
    """

    async def create_ab_test(
        self, name: str, model_a_id: str, model_b_id: str, config: Mapping[str, Any] | None = None
    ) -> AbTest:
        """Begin an A/B test: ``model_a_id`` serves now, ``model_b_id`` gets a share of the traffic.

        ``config`` has ``traffic_split`` (the share of model B), and may have ``metrics``, ``duration_days`` and more
        (docs/api.md). Raises InvalidRequest naming what is wrong, Conflict where another test
        runs there.
        """
        return await self._run(calls_trials.create_ab_test(name, model_a_id, model_b_id, config))

    async def ab_tests(self, model_id: str | None = None, status: str | None = None) -> Records[AbTest]:
        """A/B tests and how they stand, newest first, of one model or all, in one status or any."""
        return await self._run(calls_trials.trials(AbTest, model_id, status))

    async def ab_test(self, test_id: str) -> AbTest:
        """One A/B test and how it stands. Raises NotFound."""
        return await self._run(calls_trials.trial(AbTest, test_id))

    async def get_ab_test_results(self, test_id: str) -> AbResults:
        """What an A/B test comes to: ``model_a`` and ``model_b`` with their averages (NaN where there are none yet),
        ``p_value``, ``metrics``, ``verdict``, ``sentence``. Raises NotFound."""
        return await self._run(calls_trials.ab_test_results(test_id))

    async def get_ab_test_history(self, test_id: str, metric: str | None = None) -> AbHistory:
        """How the results of an A/B test came to be: ``comparisons``, each with the ``points`` of its ``metrics`` (of
        ``metric`` alone where one is named), and ``srm``. Raises NotFound, InvalidRequest."""
        return await self._run(calls_trials.ab_test_history(test_id, metric))

    async def pause_ab_test(self, test_id: str, reason: str = "", if_match: str | None = None) -> AbTest:
        """Send all traffic to control until it is resumed. Raises NotFound, InvalidRequest."""
        return await self._run(act(AbTest, test_id, "pause", if_match, reason=reason))

    async def resume_ab_test(self, test_id: str, if_match: str | None = None) -> AbTest:
        """Go on with the split of before the pause. Raises NotFound, InvalidRequest."""
        return await self._run(act(AbTest, test_id, "resume", if_match))

    async def ramp_ab_test(
        self, test_id: str, traffic_split: float | Mapping[str, float], if_match: str | None = None
    ) -> AbTest:
        """Change the split: the share of all treatments together, or of each. Raises NotFound, InvalidRequest."""
        return await self._run(act(AbTest, test_id, "ramp", if_match, traffic_split=traffic_split))

    async def stop_ab_test(self, test_id: str, reason: str = "", if_match: str | None = None) -> AbTest:
        """End a test for good without a decision. Raises NotFound, InvalidRequest."""
        return await self._run(act(AbTest, test_id, "stop", if_match, reason=reason))

    async def conclude_ab_test(
        self, test_id: str, winner: str | None = None, note: str = "", if_match: str | None = None
    ) -> AbTest:
        """End a test for good with a decision, for a variant or for none. Raises NotFound, InvalidRequest."""
        return await self._run(act(AbTest, test_id, "conclude", if_match, winner=winner, note=note))

    async def promote_ab_test(self, test_id: str, variant: str | None = None, if_match: str | None = None) -> AbTest:
        """Let a variant serve all traffic, the first treatment where none is named; a test that still runs is concluded
        with that. Raises NotFound, InvalidRequest."""
        return await self._run(act(AbTest, test_id, "promote", if_match, variant=variant))

    async def ab_test_metrics(self) -> Records[AbTestMetric]:
        """What a test can be about."""
        return await self._run(calls_trials.ab_test_metrics())

    async def create_shadow_test(
        self, name: str, model_id: str, shadow_model_id: str, config: Mapping[str, Any] | None = None
    ) -> ShadowTest:
        """Begin a shadow test: copies of requests to ``model_id`` go to ``shadow_model_id``, its answers to no client.

        ``config`` may have ``share``, ``duration_days`` and more (docs/api.md). Raises what ``create_ab_test`` raises.
        """
        return await self._run(calls_trials.create_shadow_test(name, model_id, shadow_model_id, config))

    async def shadow_tests(self, model_id: str | None = None, status: str | None = None) -> Records[ShadowTest]:
        """Shadow tests and how they stand, newest first, of one model or all, in one status or any."""
        return await self._run(calls_trials.trials(ShadowTest, model_id, status))

    async def shadow_test(self, test_id: str) -> ShadowTest:
        """One shadow test and how it stands. Raises NotFound."""
        return await self._run(calls_trials.trial(ShadowTest, test_id))

    async def get_shadow_test_results(self, test_id: str) -> ShadowResults:
        """How far both versions agree: ``agreement`` and ``boxes`` (rates are NaN before any image was compared),
        ``flips``, ``classes``, ``latency``, ``sentence``. Raises NotFound."""
        return await self._run(calls_trials.shadow_test_results(test_id))

    async def get_shadow_test_history(self, test_id: str) -> ShadowHistory:
        """How the results of a shadow test came to be, as ``points``. Raises NotFound."""
        return await self._run(calls_trials.shadow_test_history(test_id))

    def shadow_pairs(
        self, test_id: str, kind: str = "all", limit: int | None = None, sampled: bool | None = None
    ) -> AsyncPages[ShadowPair]:
        """What both versions of a shadow test say of the same images, box by box, newest first, over all pages.

        ``kind`` is all, disagreement, class_flip, missed or extra; ``sampled`` holds where the image was kept;
        ``limit`` is the size of a page.
        """
        filters: dict[str, Filter] = {"kind": kind, "sampled": sampled, "limit": limit}
        return self._pages(partial(calls_trials.shadow_pairs_page, test_id), filters)

    async def pause_shadow_test(self, test_id: str, reason: str = "", if_match: str | None = None) -> ShadowTest:
        """Send no copies until it is resumed. Raises NotFound, InvalidRequest."""
        return await self._run(act(ShadowTest, test_id, "pause", if_match, reason=reason))

    async def resume_shadow_test(self, test_id: str, if_match: str | None = None) -> ShadowTest:
        """Go on with the share of before the pause. Raises NotFound, InvalidRequest."""
        return await self._run(act(ShadowTest, test_id, "resume", if_match))

    async def ramp_shadow_test(self, test_id: str, share: float, if_match: str | None = None) -> ShadowTest:
        """Copy another share of requests. Raises NotFound, InvalidRequest."""
        return await self._run(act(ShadowTest, test_id, "ramp", if_match, share=share))

    async def stop_shadow_test(self, test_id: str, reason: str = "", if_match: str | None = None) -> ShadowTest:
        """End a test for good. Raises NotFound, InvalidRequest."""
        return await self._run(act(ShadowTest, test_id, "stop", if_match, reason=reason))

    async def promote_shadow_test(self, test_id: str, if_match: str | None = None) -> ShadowTest:
        """Let the shadow serve all traffic; a test that still runs is concluded with that. Raises NotFound,
        InvalidRequest."""
        return await self._run(act(ShadowTest, test_id, "promote", if_match))
