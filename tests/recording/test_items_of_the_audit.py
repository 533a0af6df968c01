"""What the random sample drew, which the audit alone gives out."""

from typing import Any

import pytest

from sidecar.recording import AuditOnly, Decision, Items, Reader, Sample, Store

LABELED: dict[str, Any] = {"labels": (), "verdict": "correct"}


@pytest.mark.parametrize("action", ["claim", "label", "confirm", "reject"])
async def test_drawn_item_is_refused_to_who_chose_it(items: Items, keep, action: str) -> None:
    """Nobody picks out of the random sample by what is in it; the refusal names the way, and leaves nothing behind."""
    stored = await keep("s", drawn=0.1)
    to_status = "rejected" if action == "reject" else "labeled"
    if action == "claim":
        refused = items.claim("s", "ann", "", 600.0, 0.0)
    else:
        refused = items.decide("s", "ann", 0.0, action, to_status, LABELED)
    with pytest.raises(AuditOnly, match=r'claim_next_item\(queue="audit"\)') as caught:
        await refused
    assert caught.value.field == "item_id"
    assert await items.get("s") == stored


async def test_import_is_refused_for_drawn_items_alone(items: Items, keep) -> None:
    """The others of it go through."""
    await keep("s", drawn=0.1)
    await keep("t")
    outcomes = await items.decide_many([Decision(name, LABELED) for name in "st"], "ann", 0.0, "import", "labeled")
    assert [type(outcome) for outcome in outcomes] == [AuditOnly, Sample]


async def test_only_who_has_it_from_the_audit_reviews_a_drawn_item(items: Items, keep) -> None:
    """Also where the lease ran out and nobody took it; another does not, even then."""
    await keep("s", drawn=0.1)
    await items.claim_next("det", "ann", "audit", 600.0, 0.0)
    with pytest.raises(AuditOnly):
        await items.decide("s", "bob", 700.0, "label", "labeled", LABELED)
    assert (await items.claim("s", "ann", "", 1_200.0, 700.0)).claimed_in == "audit"
    assert (await items.decide("s", "ann", 5_000.0, "label", "labeled", LABELED)).reviewed_in == "audit"


async def test_item_that_is_drawn_while_it_is_under_review_for_its_value_is_the_audits(items: Items, keep) -> None:
    """Who had it gives it back, and the audit gives it out."""
    await keep("s")
    await items.claim_next("det", "ann", "value", 600.0, 0.0)
    await keep("s", drawn=0.1)
    with pytest.raises(AuditOnly):
        await items.decide("s", "ann", 1.0, "label", "labeled", LABELED)
    await items.release("s", "ann", 2.0)
    given = await items.claim_next("det", "bob", "audit", 600.0, 3.0)
    assert given is not None
    assert given.sample_id == "s"


async def test_reviewed_drawn_item_may_be_mended_by_anybody(items: Items, keep) -> None:
    """It is no choice any more what enters the estimates."""
    await keep("s", drawn=0.1)
    await items.claim_next("det", "ann", "audit", 600.0, 0.0)
    await items.decide("s", "ann", 1.0, "label", "labeled", LABELED)
    mended = await items.decide("s", "bob", 2.0, "reject", "rejected", {}, from_statuses=("labeled",), revision=2)
    assert (mended.status, mended.reviewed_in) == ("rejected", "audit")


@pytest.mark.parametrize("queue", ["value", ""])
async def test_review_before_the_draw_is_one_for_the_value(items: Items, reader: Reader, keep, queue: str) -> None:
    """However it came about: neither drawn nor reviewed, for the estimates."""
    await keep("s")
    if queue:
        await items.claim_next("det", "ann", "value", 600.0, 0.0)
    await items.decide("s", "ann", 1.0, "label", "labeled", LABELED)
    await keep("s", drawn=0.1, experiment="t-1")
    stored = await items.get("s")
    assert stored is not None
    assert (stored.drawn, stored.reviewed_in) == (True, "value")
    assert await reader.audited_counts("yolo", 0.0, 2e9) == {}
    figures = await reader.dataset_figures("det", 2.0)
    assert (figures.sampled, figures.waiting, figures.reviewed) == (0, 0, 0)


async def test_lease_that_is_renewed_in_time_is_no_event(items: Items, reader: Reader, keep) -> None:
    """A page that keeps hold of an item fills no table; one that ran out is claimed anew."""
    await keep("s")
    await items.claim("s", "ann", "", 600.0, 0.0)
    renewed = [await items.claim("s", "ann", "", 600.0 + n, float(n)) for n in range(1, 4)]
    assert [(item.claimed_until, item.revision) for item in renewed] == [(601.0, 2), (602.0, 3), (603.0, 4)]
    assert await items.get("s") == renewed[-1]
    assert len((await reader.events(sample_id="s")).items) == 1
    await items.claim("s", "ann", "", 2_000.0, 700.0)
    assert [event.at for event in (await reader.events(sample_id="s")).items] == [700.0, 0.0]


async def test_filter_for_what_is_hidden_tells_nothing_by_its_cursors(store: Store, reader: Reader, keep) -> None:
    """Page by page, what the random sample drew comes under no version, whatever is asked."""
    for number in range(6):
        await keep(
            f"d{number}", drawn=0.1, audit_rank=number / 10, version="2" if number % 2 else "3", status="labeled"
        )
    for asked in ({"version": "2"}, {"model": "yolo"}, {"reason": "random_sample"}):
        for queue in (None, "audit"):
            page = await reader.items("det", now=0.0, queue=queue, limit=1, **asked)
            assert (page.items, page.next) == ([], None)


async def test_reviewed_drawn_items_are_listed_with_the_others(items: Items, reader: Reader, keep) -> None:
    """Those that wait, or that somebody has, are in the audit's list alone."""
    for number, name in enumerate(("labeled", "held", "waits")):
        await keep(name, drawn=0.1, audit_rank=number / 10, value=0.5)
    await keep("by value", value=0.9)
    await items.claim_next("det", "ann", "audit", 600.0, 0.0)
    await items.decide("labeled", "ann", 0.0, "label", "labeled", LABELED)
    await items.claim_next("det", "ann", "audit", 600.0, 0.0)

    async def listed(**filters: Any) -> list[str]:
        found: list[Sample] = (await reader.items("det", now=1.0, **filters)).items
        return [item.sample_id for item in found]

    assert await listed() == ["by value", "labeled"]
    assert await listed(status="in_review") == []
    assert await listed(queue="audit") == ["labeled", "held", "waits"]
    assert await listed(queue="value") == ["by value"]
