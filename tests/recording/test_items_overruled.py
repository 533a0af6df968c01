"""What one reviewer decides of an item that another has reviewed, or that they have decided so already."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sidecar.recording import Decision, Held, Items, Reader, Refused, Reviewed, Sample, WrongRevision
from sidecar.review import TABLE
from sidecar.types import Label

Keep = Callable[..., Awaitable[Sample]]
CAR = Label("car", (1.0, 2.0, 30.0, 40.5))
LABELED: dict[str, Any] = {"labels": (CAR,), "verdict": "wrong_box"}
ACTIONS = [("label", "labeled", {"labels": (), "verdict": "correct"}), ("confirm", "labeled", {"labels": ()})]
REJECTION: tuple[str, str, dict[str, Any]] = ("reject", "rejected", {"labels": None, "verdict": ""})


async def decide(items: Items, by: str, now: float, action: str, to: str, changes: Any, **more: Any) -> Sample:
    """As the API does it: from every status that the table of a review allows."""
    statuses = tuple(status for status, known in TABLE if known == action)
    return await items.decide("s", by, now, action, to, changes, from_statuses=statuses, **more)


@pytest.mark.parametrize(("action", "to_status", "changes"), [*ACTIONS, REJECTION])
async def test_late_save_does_not_overwrite_who_reviewed_it_since(
    items: Items, keep: Keep, action: str, to_status: str, changes: dict[str, Any]
) -> None:
    """Nor does one without any claim; the refusal says who it was, and when, and nothing changes."""
    await keep("s")
    await items.claim_next("det", "ann", "value", 600.0, 0.0)
    await items.claim_next("det", "bob", "value", 1_300.0, 700.0)
    bobs = await decide(items, "bob", 800.0, "label", "labeled", LABELED)
    for late in ("ann", "cy"):
        with pytest.raises(Reviewed, match=r"reviewed_by: .*labeled by 'bob' at 1970-01-01 00:13:20 UTC") as caught:
            await decide(items, late, 900.0, action, to_status, changes)
        assert (caught.value.by, caught.value.at) == ("bob", 800.0)
    assert await items.get("s") == bobs


@pytest.mark.parametrize(("action", "to_status", "changes"), [*ACTIONS, REJECTION])
async def test_who_knows_of_the_review_may_correct_it(
    items: Items, keep: Keep, action: str, to_status: str, changes: dict[str, Any]
) -> None:
    """By the revision of the item; one that is no longer its own is refused, also one's own review."""
    await keep("s")
    bobs = await decide(items, "bob", 1.0, "label", "labeled", LABELED)
    with pytest.raises(WrongRevision, match=r"revision: the item is at 1 by now, not at 0: .* by 'bob' at 1970"):
        await decide(items, "ann", 2.0, action, to_status, changes, revision=0)
    with pytest.raises(WrongRevision, match=r"not at 0$"):
        await decide(items, "bob", 2.0, action, to_status, changes, revision=0)
    corrected = await decide(items, "ann", 3.0, action, to_status, changes, revision=bobs.revision)
    assert (corrected.reviewed_by, corrected.revision) == ("ann", 2)


async def test_two_corrections_of_one_revision_are_one(items: Items, keep: Keep) -> None:
    """At once: the one that comes second is told of the first."""
    await keep("s")
    bobs = await decide(items, "bob", 1.0, "label", "labeled", LABELED)
    changes = ACTIONS[0][2]
    outcomes = await asyncio.gather(
        *(decide(items, by, 2.0, "label", "labeled", changes, revision=bobs.revision) for by in ("ann", "cy")),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Sample", "WrongRevision"]


async def test_what_another_holds_is_theirs_whatever_the_revision(items: Items, keep: Keep) -> None:
    """Nothing but the end of their lease makes it free."""
    await keep("s")
    held = await items.claim("s", "bob", "", 600.0, 0.0)
    with pytest.raises(Held):
        await decide(items, "ann", 1.0, "label", "labeled", LABELED, revision=held.revision)


@pytest.mark.parametrize(("action", "to_status", "changes"), [("label", "labeled", LABELED), ACTIONS[1], REJECTION])
async def test_same_decision_again_is_no_event(
    items: Items, reader: Reader, keep: Keep, action: str, to_status: str, changes: dict[str, Any]
) -> None:
    """Who got no answer asks again, with the revision of then; one undo takes it back all the same."""
    await keep("s")
    claimed = await items.claim_next("det", "ann", "value", 600.0, 0.0)
    assert claimed is not None
    done = await decide(items, "ann", 1.0, action, to_status, changes, revision=claimed.revision)
    again = await decide(items, "ann", 2.0, action, to_status, changes, revision=claimed.revision)
    assert again == done == await items.get("s")
    assert [event.action for event in (await reader.events(sample_id="s")).items] == [action, "claim"]
    assert (await items.undo("s", "ann", 3.0)).status == "in_review"


@pytest.mark.parametrize("changes", [LABELED | {"labels": (CAR, CAR)}, LABELED | {"verdict": "correct"}])
async def test_other_decision_of_ones_own_is_an_event(items: Items, keep: Keep, changes: dict[str, Any]) -> None:
    """Other labels, or another verdict."""
    await keep("s")
    await decide(items, "ann", 1.0, "label", "labeled", LABELED)
    assert (await decide(items, "ann", 2.0, "label", "labeled", changes)).revision == 2


async def test_import_says_what_it_does(items: Items, keep: Keep) -> None:
    """Labels of another tool come over those that are here, whoever gave them."""
    await keep("s")
    await decide(items, "bob", 1.0, "label", "labeled", LABELED)
    statuses = ("needs_review", "labeled")
    (outcome,) = await items.decide_many(
        [Decision("s", {"labels": ()})], "ann", 2.0, "import", "labeled", from_statuses=statuses
    )
    assert not isinstance(outcome, Refused)
    assert (outcome.reviewed_by, outcome.labels) == ("ann", ())
