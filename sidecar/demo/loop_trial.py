"""The last part of the demo's loop: the new version against the old, reviewed blindly, and what it comes to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.client import AsyncClient
from sidecar.client.records import AbResults
from sidecar.demo.loop_review import Reviewer
from sidecar.demo.loop_step import Say, StepFailed, percent, until

ALPHA = 0.05
LOOK_S = 3.0
AUDITED_MAX = 400
"""Images of each version that are reviewed at most: what shows no difference by then is small."""
PLAN_UNITS = 500
IDLE_S = 0.2
SERVING_S = 60.0
SHOWN = 20
CONFIG = {
    "traffic_split": 0.5,
    "unit": "request",
    "metrics": ["feedback_score"],
    "alpha": ALPHA,
    "plan_units": PLAN_UNITS,
    "duration_days": 1,
}
"""Every scene is a request of its own."""


@dataclass(frozen=True, slots=True)
class Contest:
    """An A/B test under way between ``old`` and ``new`` (both model@version) of ``model``; ``look_s`` between looks."""

    client: AsyncClient
    reviewers: Sequence[Reviewer]
    say: Say
    model: str
    old: str
    new: str
    test_id: str
    look_s: float = LOOK_S

    async def decided(self, ends: float) -> AbResults:
        """The results once they decide, or once enough is reviewed, or at ``ends`` on the monotonic clock."""
        stop = asyncio.Event()
        at_work = [asyncio.create_task(_audit(reviewer, stop)) for reviewer in self.reviewers]
        try:
            while True:
                await asyncio.sleep(self.look_s)
                for task in at_work:
                    if task.done():
                        task.result()  # raises what ended it
                results = await self.client.get_ab_test_results(self.test_id)
                self._tell(results)
                least = min(results.model_a.n_feedback, results.model_b.n_feedback)
                over = results.status != "running" or least >= AUDITED_MAX or time.monotonic() >= ends
                if over or is_win(results) or results.verdict == "a_better":
                    return results
        finally:
            stop.set()
            await asyncio.gather(*at_work, return_exceptions=True)

    def _tell(self, results: AbResults) -> None:
        a, b = results.model_a, results.model_b
        self.say(
            "A/B test",
            f"{a.n_feedback} + {b.n_feedback} of {a.n_sampled} + {b.n_sampled} audited: {percent(a.feedback_score)} "
            f"right against {percent(b.feedback_score)}, p={results.p_value:.2g}",
        )

    async def end(self, results: AbResults) -> bool:
        """Promotes the new version where it won, and nothing else; True if it did. Raises StepFailed where the new
        version does not serve in time."""
        a, b = results.model_a, results.model_b
        scores = f"{percent(b.feedback_score)} of images right against {percent(a.feedback_score)}"
        if not is_win(results):
            said = (
                "no difference yet" if results.verdict == "no_difference_yet" else f"the verdict is {results.verdict}"
            )
            self.say("outcome", f"{said}: {scores}, p={results.p_value:.2g}; nothing is promoted")
            if results.status == "running":
                await self.client.conclude_ab_test(self.test_id, winner=None, note=said)
            else:
                self.say("outcome", f"the test is {results.status}: {' '.join(results.reasons)}")
            await self._serving(self.old)
            return False
        await self.client.promote_ab_test(self.test_id, variant=b.name)
        self.say(
            "outcome",
            f"{self.new} is better: {scores}, p={results.p_value:.2g} however often one looks; it is promoted",
        )
        await self._serving(self.new)
        return True

    async def _serving(self, wanted: str) -> None:
        version = wanted.rpartition("@")[2]

        async def latest() -> list[str] | None:
            found: list[str] = []
            async for prediction in self.client.predictions(model=self.model, limit=SHOWN):
                found.append(prediction.version)
                if len(found) == SHOWN:
                    break
            return found if found == [version] * SHOWN else None

        await until(latest, SERVING_S, lambda: f"{wanted} should answer all requests by now, and does not")
        test = await self.client.ab_test(self.test_id)
        if test.serving != wanted:
            raise StepFailed(f"{test.serving} serves, expected {wanted}")
        self.say("serving", f"{wanted} serves {self.model}: the latest {SHOWN} answers are all its own")


def is_win(results: AbResults) -> bool:
    """Whether the new version is surely better."""
    return bool(results.verdict == "b_better" and results.p_value < ALPHA)


async def _audit(reviewer: Reviewer, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if await reviewer.next("audit") is None:
            await asyncio.sleep(IDLE_S)
