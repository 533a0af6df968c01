import asyncio
from dataclasses import replace
from typing import Any

import pytest

from sidecar.recording import (
    ALERTS_MAX,
    AlertRow,
    Alerts,
    Change,
    Full,
    NotificationRow,
    Notifications,
    Store,
    StoreError,
    Taken,
    TransitionRow,
)

FIRED = TransitionRow(0, "a1", 1_700_000_100.0, "pending", "firing", 0.5, "Errors 1: 50 % of requests failed")
TOLD = NotificationRow(0, "a1", None, "email:team@company.com", "firing", {"sentence": "..."}, 1_700_000_100.0)


def firing(row: AlertRow, **changes: Any) -> AlertRow:
    return replace(row, state={"state": "firing", "held_s": 300.0}, **changes)


async def test_alert_comes_back_whole(store: Store, make_alert) -> None:
    """Every field of an alert survives the store, its condition and state as documents."""
    alerts = Alerts(store)
    row = make_alert(slice="north", enabled=False, origin="default", notify=(), state={"since": None, "ages_s": [1.5]})
    await alerts.create(row)
    assert await alerts.all() == [row]
    assert await alerts.get("a1") == row
    assert await alerts.get("none") is None


async def test_name_is_taken_only_within_its_model_version_and_slice(store: Store, make_alert) -> None:
    """The same name may stand elsewhere, and again once its alert is deleted."""
    alerts = Alerts(store)
    await alerts.create(make_alert(1, name="Errors"))
    for number, changes in enumerate(({"model": "other"}, {"version": ""}, {"slice": "north"}), 2):
        await alerts.create(make_alert(number, name="Errors", **changes))
    with pytest.raises(Taken, match=r"^name: ") as caught:
        await alerts.create(make_alert(9, name="Errors"))
    assert isinstance(caught.value, ValueError)
    assert await alerts.delete("a1", 1.0)
    await alerts.create(make_alert(9, name="Errors"))
    assert [row.alert_id for row in await alerts.all()] == ["a2", "a3", "a4", "a9"]
    assert store.health.ok


async def test_id_that_exists_is_an_error_and_changes_nothing(store: Store, make_alert) -> None:
    """Two alerts of one id can't be; the first stays as it is."""
    alerts = Alerts(store)
    await alerts.create(make_alert(1))
    with pytest.raises(StoreError) as caught:
        await alerts.create(make_alert(1, name="another"))
    assert caught.value.reason == "invalid"
    assert [row.name for row in await alerts.all()] == ["Errors 1"]


async def test_alerts_end_at_their_bound_and_a_deleted_one_makes_room(store: Store, make_alert) -> None:
    """One more than ALERTS_MAX is refused; deleted alerts don't count."""
    alerts = Alerts(store)
    for number in range(ALERTS_MAX):
        await alerts.create(make_alert(number))
    with pytest.raises(Full, match=f"{ALERTS_MAX} alerts"):
        await alerts.create(make_alert(ALERTS_MAX))
    await alerts.delete("a0", 1.0)
    await alerts.create(make_alert(ALERTS_MAX))
    assert len(await alerts.all()) == ALERTS_MAX


async def test_saving_writes_the_definition_and_leaves_the_state(store: Store, make_alert) -> None:
    """A person's edit changes name, condition, notify and enabled; a state recorded meanwhile stays."""
    alerts = Alerts(store)
    old = make_alert()
    await alerts.create(old)
    assert await alerts.record([Change(firing(old))]) == []
    edited = replace(
        old, name="Faults", condition={"metric": "slow_rate"}, notify=("webhook:x",), enabled=False, updated_at=9.0
    )
    assert await alerts.save(edited)
    assert await alerts.get("a1") == firing(edited, state_revision=1)


async def test_recording_a_state_leaves_a_definition_edited_meanwhile(store: Store, make_alert) -> None:
    """A round that began before an edit writes its state and not the old name, condition or channels."""
    alerts = Alerts(store)
    old = make_alert()
    await alerts.create(old)
    edited = replace(old, name="Faults", condition={"metric": "slow_rate"}, notify=(), enabled=False, updated_at=9.0)
    await alerts.save(edited)
    assert await alerts.record([Change(firing(old), FIRED, [TOLD])]) == []
    assert await alerts.get("a1") == firing(edited, state_revision=1)


async def test_saving_under_a_taken_name_is_refused(store: Store, make_alert) -> None:
    """A rename to another alert's name is refused; saving under its own name is none."""
    alerts = Alerts(store)
    await alerts.create(make_alert(1))
    await alerts.create(make_alert(2))
    with pytest.raises(Taken):
        await alerts.save(make_alert(2, name="Errors 1"))
    assert await alerts.save(make_alert(2, enabled=False))
    assert [row.name for row in await alerts.all()] == ["Errors 1", "Errors 2"]


async def test_deleted_alert_stays_deleted(store: Store, make_alert) -> None:
    """Neither a save nor a round's record brings an alert back; its transitions stay, none are added."""
    alerts, row = Alerts(store), make_alert()
    await alerts.create(row)
    await alerts.record([Change(firing(row), FIRED)])
    present = firing(row, state_revision=1)
    assert await alerts.delete("a1", 5.0)
    assert not await alerts.delete("a1", 6.0)
    assert not await alerts.save(present)
    assert await alerts.record([Change(present, FIRED, [TOLD])]) == ["a1"]
    assert await alerts.all() == []
    assert await alerts.get("a1") is None
    assert len((await alerts.transitions()).items) == 1
    assert await Notifications(store).open(10) == []


async def test_state_that_was_overtaken_is_skipped_and_named(store: Store, make_alert) -> None:
    """A person acknowledges while a round is under way: the round's change of that alert is left out, all of it."""
    alerts = Alerts(store)
    rows = [make_alert(number) for number in (1, 2)]
    for row in rows:
        await alerts.create(row)
    acknowledged = replace(rows[0], state={"state": "firing", "acknowledged_by": "ann"})
    assert await alerts.record([Change(acknowledged)]) == []
    late = [Change(firing(row), replace(FIRED, alert_id=row.alert_id), [TOLD]) for row in rows]
    assert await alerts.record(late) == ["a1"]
    first, second = await alerts.all()
    assert (first.state, first.state_revision) == (acknowledged.state, 1)
    assert (second.state["state"], second.state_revision) == ("firing", 1)
    assert [item.alert_id for item in (await alerts.transitions()).items] == ["a2"]
    assert await alerts.record([Change(firing(first))]) == []
    assert await alerts.record([]) == []


async def test_of_two_racing_changes_exactly_one_wins(store: Store, make_alert) -> None:
    """Twenty at once from one revision: one is written and nineteen are told to read again."""
    alerts, row = Alerts(store), make_alert()
    await alerts.create(row)
    changes = [Change(replace(row, state={"by": number}), FIRED) for number in range(20)]
    answers = await asyncio.gather(*(alerts.record([change]) for change in changes))
    assert sorted(map(len, answers)) == [0] + [1] * 19
    found = await alerts.get("a1")
    assert found is not None
    assert (found.state, found.state_revision) == ({"by": answers.index([])}, 1)
    assert len((await alerts.transitions()).items) == 1


async def test_edits_and_rounds_at_once_lose_nothing(store: Store, make_alert) -> None:
    """While rounds record states and a person renames again and again, both arrive whole."""
    alerts, row = Alerts(store), make_alert()
    await alerts.create(row)

    async def rename() -> None:
        for number in range(30):
            await alerts.save(replace(row, name=f"name {number}", updated_at=float(number)))

    async def evaluate() -> None:
        for number in range(30):
            present = await alerts.get("a1")
            assert present is not None
            assert await alerts.record([Change(replace(present, state={"round": number}))]) == []

    await asyncio.gather(rename(), evaluate())
    found = await alerts.get("a1")
    assert found is not None
    assert (found.name, found.state, found.state_revision) == ("name 29", {"round": 29}, 30)


async def test_two_changes_of_one_alert_in_a_batch_follow_each_other(store: Store, make_alert) -> None:
    """The second must be worked out from the first."""
    alerts, row = Alerts(store), make_alert()
    await alerts.create(row)
    assert await alerts.record([Change(firing(row)), Change(replace(row, state={}, state_revision=1))]) == []
    assert await alerts.record([Change(firing(row, state_revision=2)), Change(firing(row, state_revision=2))]) == ["a1"]
    assert (await alerts.all())[0].state_revision == 3


async def test_record_that_fails_leaves_nothing(store: Store, make_alert) -> None:
    """One change that can't be stored takes back the whole round."""
    alerts = Alerts(store)
    rows = [make_alert(number) for number in (1, 2)]
    for row in rows:
        await alerts.create(row)
    bad = Change(firing(rows[1]), replace(FIRED, at=float("nan")), [TOLD])
    with pytest.raises(StoreError):
        await alerts.record([Change(firing(rows[0]), FIRED, [TOLD]), bad])
    assert await alerts.all() == rows
    assert (await alerts.transitions()).items == []
    assert await Notifications(store).open(10) == []


async def test_state_that_is_no_json_is_refused(store: Store, make_alert) -> None:
    """What JSON has no form for is an error of the store, not of the caller's loop."""
    with pytest.raises(StoreError, match="no JSON"):
        await Alerts(store).create(make_alert(state={"at": object()}))


async def test_default_alerts_are_known_by_the_name_they_were_made_under(store: Store, make_alert) -> None:
    """Renaming or deleting a default alert does not make it missing; a person's alerts don't count."""
    alerts = Alerts(store)
    await alerts.create(make_alert(1, name="Errors", origin="default"))
    await alerts.create(make_alert(2, name="Drift", origin="default", version=""))
    await alerts.create(make_alert(3, name="Mine"))
    await alerts.create(make_alert(4, name="Other", origin="default", model="rtdetr"))
    await alerts.save(make_alert(1, name="My errors"))
    await alerts.delete("a2", 1.0)
    assert await alerts.default_names("yolo") == {"Errors", "Drift"}
    assert await alerts.default_names("none") == set()


async def test_transition_bears_the_alert_of_its_time_and_its_notifications_bear_it(store: Store, make_alert) -> None:
    """Model, version and name are the alert's; a notification of the change has the transition's id."""
    alerts, row = Alerts(store), make_alert()
    await alerts.create(row)
    await alerts.record([Change(firing(row), FIRED, [TOLD, replace(TOLD, channel="slack:#x")])])
    (transition,) = (await alerts.transitions()).items
    assert transition == replace(FIRED, id=transition.id, model="yolo", version="3", name="Errors 1")
    queued = await Notifications(store).open(10)
    assert [(item.channel, item.transition_id) for item in queued] == [
        ("email:team@company.com", transition.id),
        ("slack:#x", transition.id),
    ]


async def test_transitions_are_paged_newest_first_and_filtered(store: Store, make_alert) -> None:
    """The cursor reaches every transition once, also those of one instant, while new ones come in."""
    alerts = Alerts(store)
    rows = [make_alert(0), make_alert(1, model="rtdetr"), make_alert(2, version="4")]
    for row in rows:
        await alerts.create(row)
    for number in range(30):
        row = rows[number % 3]
        fired = replace(FIRED, at=float(number // 4), sentence=str(number), value=None if number else float("nan"))
        await alerts.record([Change(replace(row, state_revision=number // 3), fired)])
    seen, cursor = [], None
    while True:
        page = await alerts.transitions(before=cursor, limit=7)
        seen += [int(item.sentence) for item in page.items]
        revision = (await alerts.all())[0].state_revision
        await alerts.record([Change(replace(rows[0], state_revision=revision), replace(FIRED, at=1e6, sentence="-1"))])
        cursor = page.next
        if cursor is None:
            break
    assert seen == list(reversed(range(30)))
    assert {item.alert_id for item in (await alerts.transitions(alert_id="a1")).items} == {"a1"}
    assert {item.model for item in (await alerts.transitions(model="yolo")).items} == {"yolo"}
    assert {item.alert_id for item in (await alerts.transitions(model="yolo", version="4")).items} == {"a2"}
    assert (await alerts.transitions(alert_id="a0", before="0.5_0")).items[0].value is None
    for arguments in ({"limit": 0}, {"before": "yesterday"}):
        with pytest.raises(ValueError, match=f"^{next(iter(arguments))}:"):
            await alerts.transitions(**arguments)


async def test_hostile_text_is_stored_with_replacements_and_found_again(store: Store, make_alert) -> None:
    """What UTF-8 can't hold neither stops a rule nor hides it; quotes and NUL are text like any other."""
    alerts = Alerts(store)
    text = "caf\udce9'); DROP TABLE alerts; --\x00"
    row = make_alert(name=text, model=text, origin="default", condition={text: [text, (text,)]}, notify=(text,))
    await alerts.create(row)
    with pytest.raises(Taken):
        await alerts.create(replace(row, alert_id="a2"))
    kept = text.replace("\udce9", "?")
    state = {"sentence": text, "value": float("nan")}
    changed = replace(row, state=state)
    assert (
        await alerts.record([Change(changed, replace(FIRED, sentence=text), [replace(TOLD, payload={"t": text})])])
        == []
    )
    found = (await alerts.all())[0]
    assert (found.name, found.model, found.notify) == (kept, kept, (kept,))
    assert found.condition == {kept: [kept, [kept]]}
    assert found.state == {"sentence": kept, "value": None}
    assert await alerts.default_names(text) == {kept}
    assert (await alerts.transitions(model=text)).items[0].sentence == kept
    assert (await Notifications(store).of_alert("a1", 1))[0].payload == {"t": kept}
    assert await alerts.get(text) is None


async def test_all_that_is_written_of_alerts_is_committed_in_full(store: Store, make_alert, commits: list[str]) -> None:
    """Each change is one transaction that waits until it would survive a power cut; others still don't."""
    alerts, row = Alerts(store), make_alert()
    await alerts.create(row)
    await alerts.save(row)
    await alerts.record([Change(firing(row), FIRED, [TOLD, TOLD])])
    await alerts.delete("a1", 1.0)
    assert commits == ["FULL"] * 4
    await store.outbox_done([1])
    assert commits[4:] == ["NORMAL"]


async def test_store_set_aside_goes_on_with_the_same_alerts(store: Store, make_alert, damage_store) -> None:
    """After damage the same object writes into the fresh store, where nothing of the old one is taken for granted."""
    alerts, row = Alerts(store), make_alert()
    await alerts.create(row)
    await damage_store()
    assert await alerts.record([Change(firing(row), FIRED, [TOLD])]) == ["a1"]
    assert len(store.health.set_aside) == 1
    assert store.health.ok
    await alerts.create(row)
    assert await alerts.all() == [row]


async def test_models_with_default_alerts_are_known_for_good(store: Store, make_alert) -> None:
    """Renamed or deleted ones count, a person's don't."""
    alerts = Alerts(store)
    await alerts.create(make_alert(1, origin="default"))
    await alerts.create(make_alert(2, origin="default", model="rtdetr"))
    await alerts.create(make_alert(3, model="mine"))
    await alerts.delete("a2", 1.0)
    assert await alerts.default_models() == {"yolo", "rtdetr"}
