"""What the API asks about tests of versions (A/B tests and shadow tests), as one Protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypedDict

from sidecar.api.watch import Document
from sidecar.experiments.lifecycle import Kind
from sidecar.experiments.pairs.kinds import PairKind

Check = Callable[[Document], None]
"""Raises where a test is not as whoever changes it saw it."""


class TrialFigures(TypedDict):
    """Counts since the monitor started (none of them goes down while its test runs), and how things stand now."""

    active: Sequence[tuple[str, str, str, str, float]]
    """(id, kind, model, variant, share) of each variant of every test that runs or is paused, now."""
    under_way: Mapping[str, str]
    """The status of each of those tests by its id: running or paused."""
    failover: Sequence[tuple[str, str, str]]
    """(id, control, treatment) of each treatment with a share that control answers for while it is down, now."""
    statuses: Mapping[str, int]
    """Tests by status, now."""
    pairs: Mapping[str, int]
    """Images compared, by shadow test under way."""
    agreement: Mapping[str, float]
    """Share of them on which both versions agree in full, by shadow test; without those that compared none."""
    skipped: Mapping[tuple[str, str], int]
    """Answers that found no other half, by (id, reason); the id is empty for tests that are over."""
    units_left_out: Mapping[str, int]
    """Requests of lasting units that are not kept because there are too many units, by A/B test."""
    guardrail_stops: int
    """A/B tests that a guardrail stopped."""
    rounds: int
    """Times all tests were looked at."""
    round_seconds: float
    """Time spent on it, in all."""


class Trials(Protocol):
    """A/B tests and shadow tests. Arguments have their types and bounds; whether they make sense is judged here.

    Every method raises ControlError for arguments that can't be (422; ``ControlError.of`` for several faults), its
    kinds NotThere with field ``id`` for an id that no test of that kind has (404) and Conflict (409) with field
    ``status`` where a test can't do that as it stands, and StoreError where the store can't (503). Documents are of
    the shapes in ``schemas_ab_tests`` and ``schemas_shadow_tests``; NaN may stand in them, it becomes null.

    Ids are slugs of at most 63 characters, made of names. A model id is ``name@version``, or the name of an upstream.
    """

    async def create_ab_test(self, name: str, model_a_id: str, model_b_id: str, config: Mapping[str, Any]) -> Document:
        """Begin an A/B test; the AbTest. ``config`` is as it came.

        Raises ControlError with fields such as ``model_b_id`` or ``config.traffic_split``; Conflict with field
        ``model``, naming the test that runs on the same traffic, or where there are too many.
        """
        ...

    async def create_shadow_test(
        self, name: str, model_id: str, shadow_model_id: str, config: Mapping[str, Any]
    ) -> Document:
        """Begin a shadow test; the ShadowTest. ``model_id`` is what serves: a model's name, or also its version.

        Raises what ``create_ab_test`` raises.
        """
        ...

    async def list(self, kind: Kind, model_id: str | None, status: str | None) -> Sequence[Document]:
        """Tests of a kind, newest first: of one model, or of all (None), in one status or any (None)."""
        ...

    async def get(self, kind: Kind, id: str) -> Document:
        """One test. Raises NotThere."""
        ...

    async def results(self, kind: Kind, id: str) -> Document:
        """What a test comes to by now, or came to: an AbResults or a ShadowResults. Raises NotThere."""
        ...

    async def history(self, kind: Kind, id: str, metric: str | None = None) -> Document:
        """How the results came to be: an AbHistory (of ``metric`` alone where one is given) or a ShadowHistory.

        Raises NotThere, and ControlError with field ``metric`` for one that an A/B test is not about.
        """
        ...

    async def shadow_pairs(
        self, id: str, kind: PairKind, sampled: bool | None, cursor: str | None, limit: int
    ) -> Document:
        """A ShadowPairsPage: what both versions say of the same images, newest first. Raises NotThere, and ValueError
        naming ``before`` for a ``cursor`` that is none."""
        ...

    def on_condition(self, check: Check) -> Trials:
        """The same, but that right before a test is changed, and with nothing in between, ``check`` is called with the
        test; it raises to prevent that. A guardrail, say, changes tests without asking."""
        ...

    async def pause(self, kind: Kind, id: str, reason: str) -> Document:
        """All traffic to control (of a shadow test: no copies) until it is resumed; the test. Raises NotThere and
        Conflict."""
        ...

    async def resume(self, kind: Kind, id: str) -> Document:
        """Go on with the shares of before the pause; the test. Raises NotThere and Conflict."""
        ...

    async def ramp(self, kind: Kind, id: str, split: Any) -> Document:
        """Another split; the test. ``split`` is, as it came, the share of all treatments together or {variant: share};
        of a shadow test the share of requests to copy.

        Raises NotThere, Conflict, and ControlError with field ``traffic_split`` or ``share``.
        """
        ...

    async def stop(self, kind: Kind, id: str, reason: str) -> Document:
        """End a test without a decision; the test. Raises NotThere and Conflict."""
        ...

    async def conclude(self, id: str, winner: str | None, note: str) -> Document:
        """End an A/B test with a decision for a variant, by its name or model id, or (None) for none; the test.

        Raises NotThere, Conflict, and ControlError with field ``winner``.
        """
        ...

    async def promote(self, kind: Kind, id: str, variant: str | None) -> Document:
        """A variant, by its name or model id, serves from now on; None: the first treatment, or the shadow. A test
        under way is concluded with that; the test.

        Raises NotThere, Conflict, and ControlError with field ``variant``.
        """
        ...

    def figures(self) -> TrialFigures:
        """For /metrics; cheap, without waiting."""
        ...
