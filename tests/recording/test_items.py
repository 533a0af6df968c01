import asyncio
from dataclasses import replace

import pytest

from sidecar.recording import Decision, Held, Items, NotFound, Reader, Refused, Sample, WrongStatus, as_of
from sidecar.types import Label

CAR = Label("car", (1.0, 2.0, 30.0, 40.5))
LABELED = {"labels": (CAR,), "verdict": "wrong_box"}


async def claimed_all(items: Items, queue: str, by: str = "ann", now: float = 0.0) -> list[str]:
    """Sample ids in the order in which a queue gives them out."""
    ids: list[str] = []
    while (given := await items.claim_next("det", by, queue, now + 600.0, now)) is not None:
        ids.append(given.sample_id)
    return ids


async def test_value_queue_gives_out_the_highest_value_first(items: Items, keep) -> None:
    """Nothing of the random sample, nothing of another dataset, nothing twice; of one value the newest first."""
    for name, value in (("low", 0.1), ("high", 0.9), ("even", 0.5), ("newer", 0.5)):
        await keep(name, value=value)
    await keep("drawn", drawn=0.1, value=1.0)
    await keep("other", dataset_id="other", value=1.0)
    assert await claimed_all(items, "value") == ["high", "newer", "even", "low"]


async def test_audit_gives_out_the_random_sample_by_its_rank(items: Items, keep) -> None:
    """Whatever the value: the order has nothing to do with what is in the image."""
    for name, rank in (("c", 0.9), ("a", 0.1), ("b", 0.5)):
        await keep(name, drawn=0.1, audit_rank=rank, value=rank)
    await keep("chosen", value=1.0)
    assert await claimed_all(items, "audit") == ["a", "b", "c"]


async def test_two_reviewers_never_get_the_same_item(items: Items, keep) -> None:
    """Of many who ask at once each gets another item, and those that come too late get none."""
    for number in range(20):
        await keep(f"s{number}", value=0.5)
    asked = (items.claim_next("det", f"reviewer {n % 2}", "value", 600.0, 0.0) for n in range(30))
    given = [item.sample_id for item in await asyncio.gather(*asked) if item is not None]
    assert sorted(given) == sorted(f"s{number}" for number in range(20))


async def test_claims_by_id_at_once_are_one_claim(items: Items, keep) -> None:
    """One gets it, the other is told who has it and until when."""
    await keep("s")
    outcomes = await asyncio.gather(
        items.claim("s", "ann", "", 600.0, 0.0), items.claim("s", "bob", "", 600.0, 0.0), return_exceptions=True
    )
    held = [outcome for outcome in outcomes if isinstance(outcome, Held)]
    assert len(held) == 1
    assert {held[0].by, *(o.claimed_by for o in outcomes if isinstance(o, Sample))} <= {"ann", "bob"}
    assert held[0].until == 600.0


async def test_reviewer_who_asks_again_gets_the_next_and_keeps_the_first(items: Items, keep) -> None:
    """A lease that has not run out stays its owner's, so that several items can be opened side by side."""
    await keep("first", value=0.9)
    await keep("second", value=0.8)
    assert await claimed_all(items, "value") == ["first", "second"]
    assert (await items.decide("first", "ann", 1.0, "label", "labeled", LABELED)).status == "labeled"


async def test_lease_that_ran_out_gives_the_item_to_the_next_who_asks(items: Items, keep) -> None:
    """Until then nobody else gets it, nor may label it; afterwards it waits like any other."""
    await keep("s")
    await items.claim_next("det", "ann", "value", 600.0, 0.0)
    assert await items.claim_next("det", "bob", "value", 900.0, 599.0) is None
    with pytest.raises(Held, match="'ann'"):
        await items.decide("s", "bob", 599.0, "label", "labeled", LABELED)
    stored = await items.get("s")
    assert stored is not None
    assert (as_of(stored, 599.0), as_of(stored, 600.0).status) == (stored, "needs_review")
    assert (as_of(stored, 600.0).claimed_by, as_of(stored, 600.0).claimed_until) == ("", 0.0)
    given = await items.claim_next("det", "bob", "value", 1_200.0, 600.0)
    assert given is not None
    assert given.claimed_by == "bob"
    with pytest.raises(Held, match="'bob'"):
        await items.decide("s", "ann", 601.0, "label", "labeled", LABELED)


async def test_reviewer_whose_lease_ran_out_may_still_label(items: Items, keep) -> None:
    """Where nobody took the item meanwhile nothing of the work is lost, and it counts as reviewed in its queue."""
    await keep("s", drawn=0.1)
    await items.claim_next("det", "ann", "audit", 600.0, 0.0)
    labeled = await items.decide("s", "ann", 5_000.0, "label", "labeled", LABELED)
    assert (labeled.status, labeled.reviewed_in, labeled.reviewed_by) == ("labeled", "audit", "ann")


@pytest.mark.parametrize(("claim", "by", "expected"), [("value", "ann", "value"), ("", "ann", ""), (None, "bob", "")])
async def test_review_counts_for_the_queue_the_item_was_given_out_by(
    items: Items, keep, claim: str | None, by: str, expected: str
) -> None:
    """An item that was chosen by its id, or labeled without a claim, was reviewed in no queue."""
    await keep("s")
    if claim == "value":
        await items.claim_next("det", "ann", "value", 600.0, 0.0)
    elif claim == "":
        await items.claim("s", "ann", "", 600.0, 0.0)
    assert (await items.decide("s", by, 1.0, "label", "labeled", LABELED)).reviewed_in == expected


async def test_renewed_lease_stays_one_of_its_queue(items: Items, keep) -> None:
    """To hold on to an item by its id makes it no other choice; one that another had is a choice by id."""
    await keep("s")
    await items.claim_next("det", "ann", "value", 600.0, 0.0)
    renewed = await items.claim("s", "ann", "", 1_200.0, 900.0)
    assert (renewed.claimed_in, renewed.claimed_until) == ("value", 1_200.0)
    taken = await items.claim("s", "bob", "", 2_000.0, 1_200.0)
    assert (taken.claimed_by, taken.claimed_in) == ("bob", "")


async def test_second_look_at_a_reviewed_item_leaves_it_in_its_queue(items: Items, keep) -> None:
    """It was the audit that chose it; a label that was mended is still one of the audit."""
    await keep("s", drawn=0.1)
    await items.claim_next("det", "ann", "audit", 600.0, 0.0)
    await items.decide("s", "ann", 1.0, "label", "labeled", LABELED)
    mended = await items.decide(
        "s",
        "bob",
        2.0,
        "label",
        "labeled",
        {"labels": (), "verdict": "correct"},
        from_statuses=("labeled",),
        revision=2,
    )
    assert (mended.reviewed_in, mended.reviewed_by, mended.labels, mended.verdict) == ("audit", "bob", (), "correct")


async def test_each_action_is_an_event_and_a_revision(items: Items, reader: Reader, keep, commits: list[str]) -> None:
    """Events tell what was before and after, newest first, each committed so that a power cut does not lose it."""
    await keep("s")
    commits.clear()
    await items.claim_next("det", "ann", "value", 600.0, 1.0)
    await items.release("s", "ann", 2.0)
    done = await items.decide("s", "ann", 3.0, "reject", "rejected", {}, note="blurred")
    assert done.revision == 3
    assert await reader.sample("s") == done
    assert commits == ["FULL"] * 3
    rejected, released, claimed = (await reader.events(sample_id="s")).items
    assert (claimed.action, claimed.from_status, claimed.to_status) == ("claim", "needs_review", "in_review")
    assert claimed.before == {"status": "needs_review", "claimed_by": "", "claimed_in": "", "claimed_until": 0.0}
    assert claimed.after == {
        "status": "in_review",
        "claimed_by": "ann",
        "claimed_in": "value",
        "claimed_until": 600.0,
    }
    assert (released.before, released.after) == (claimed.after, claimed.before)
    assert (rejected.author, rejected.at, rejected.dataset_id) == ("ann", 3.0, "det")
    assert rejected.after == {"status": "rejected", "reviewed_by": "ann", "reviewed_at": 3.0, "reason": "blurred"}


async def test_labeled_item_is_not_claimed_or_labeled_again(items: Items, keep) -> None:
    """Unless the caller allows that status; the error says what it is."""
    await keep("s")
    await items.decide("s", "ann", 1.0, "label", "labeled", LABELED)
    for refused in (
        items.claim("s", "bob", "", 600.0, 2.0),
        items.decide("s", "bob", 2.0, "label", "labeled", LABELED),
        items.release("s", "ann", 2.0),
    ):
        with pytest.raises(WrongStatus, match="the item is labeled") as caught:
            await refused
        assert caught.value.status == "labeled"


async def test_only_what_is_under_review_is_released(items: Items, keep) -> None:
    """By who has it: a free one is nobody's to give back."""
    await keep("s")
    with pytest.raises(WrongStatus, match="not under review by 'ann'"):
        await items.release("s", "ann", 1.0)
    await items.claim("s", "bob", "", 600.0, 1.0)
    with pytest.raises(Held):
        await items.release("s", "ann", 2.0)
    assert (await items.release("s", "bob", 700.0)).status == "needs_review"


async def test_item_that_is_not_there_is_not_found(items: Items) -> None:
    """Each action names the item."""
    for missing in (
        items.claim("none", "ann", "", 600.0, 1.0),
        items.decide("none", "ann", 1.0, "label", "labeled", LABELED),
        items.undo("none", "ann", 1.0),
    ):
        with pytest.raises(NotFound, match="item: there is no item 'none'"):
            await missing
    assert await items.get("none") is None


async def test_reopened_item_has_no_review_left(items: Items, keep) -> None:
    """Who sends a labeled one back to the queue leaves no labels, verdict or reviewer behind."""
    stored = await keep("s")
    await items.decide("s", "ann", 1.0, "label", "labeled", LABELED)
    reopened = await items.decide("s", "bob", 2.0, "release", "needs_review", {}, from_statuses=("labeled",))
    assert reopened == replace(stored, revision=2)


async def test_other_fields_are_not_decided(items: Items, keep) -> None:
    """Only labels and the verdict: the rest follows from who decides, and when."""
    await keep("s")
    with pytest.raises(ValueError, match="changes: reviewed_by"):
        await items.decide("s", "ann", 1.0, "label", "labeled", {"reviewed_by": "bob"})


async def test_many_decisions_go_through_but_for_those_refused(items: Items, keep, monkeypatch) -> None:
    """Slice by slice, in their order; a refusal leaves the others alone and nothing behind."""
    monkeypatch.setattr("sidecar.recording.items.DECISIONS_A_TRANSACTION", 2)
    for number in range(4):
        await keep(f"s{number}")
    await items.claim("s1", "bob", "", 600.0, 0.0)
    names = ("s0", "s1", "none", "s2", "s3")
    outcomes = await items.decide_many([Decision(name, LABELED) for name in names], "ann", 1.0, "import", "labeled")
    assert [type(outcome) for outcome in outcomes] == [Sample, Held, NotFound, Sample, Sample]
    statuses = [item.status for item in outcomes if not isinstance(item, Refused)]
    assert statuses == ["labeled"] * 3
    refused = await items.get("s1")
    assert refused is not None
    assert (refused.status, refused.labels, refused.revision) == ("in_review", None, 1)
