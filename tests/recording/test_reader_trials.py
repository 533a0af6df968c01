from dataclasses import replace

import pytest

from sidecar.recording import WHOLE_EPOCH_S, Batch, Reader, Sample, Store, SummaryRow

HOUR = 1_699_999_200
ROW = SummaryRow(0, WHOLE_EPOCH_S, "yolo", "3", "control", "t-1", 0, "", 1, b"whole")


async def test_whole_epochs_of_a_test_come_in_the_order_of_their_key(store: Store, reader: Reader) -> None:
    """Of that test alone, by epoch, model, version and role; its buckets and its slices are none."""
    rows = [
        ROW,
        replace(ROW, version="4", role="treatment"),
        replace(ROW, model="zoo"),
        replace(ROW, epoch=1),
        replace(ROW, epoch=1, role="override"),
    ]
    others = [replace(ROW, experiment="t-2"), replace(ROW, width_s=10), replace(ROW, width_s=3_600, bucket=HOUR)]
    await store.commit(Batch(summaries=[*reversed(rows), *others, replace(ROW, slice="north")]))
    assert await reader.epoch_summaries("t-1") == rows
    assert await reader.epoch_summaries("none") == []
    assert await reader.epoch_summaries("caf\udce9") == []


async def test_newer_revision_of_a_whole_epoch_takes_the_place_of_the_older(store: Store, reader: Reader) -> None:
    """One row a key, as of every bucket, and its key finds it."""
    await store.commit(Batch(summaries=[replace(ROW, revision=3, payload=b"three")]))
    await store.commit(Batch(summaries=[replace(ROW, revision=2, payload=b"two")]))
    assert [row.payload for row in await reader.epoch_summaries("t-1")] == [b"three"]
    found = await store.summary((0, 0, "yolo", "3", "control", "t-1", 0, ""))
    assert found is not None
    assert found.revision == 3


async def test_whole_epochs_are_in_no_other_answer(store: Store, reader: Reader) -> None:
    """What goes by time, hours, models or slices is the same with them as without."""

    async def answers() -> list[object]:
        found: list[object] = [await reader.models(), await reader.first_hour(), await store.open_summaries(0)]
        for width_s in (10, 60, 3_600, 86_400):
            found.append(await reader.summaries(since=0, until=1e12, width_s=width_s))
            found.append(await reader.summaries_page(since=0, until=1e12, width_s=width_s, models=None))
            found.append(await store.open_summaries(0, width_s))
        for model in ("yolo", "zoo"):
            found.append(await reader.summary_span(model, roles_without=()))
            found.append(await reader.summary_span(model, "3", roles_without=()))
            found.append(await reader.first_bucket(model, "3", roles_without=()))
            found.append(await reader.slices(model, None, 0, 1e12, roles_without=()))
        return found

    widths = {10: HOUR + 120, 60: HOUR + 120, 3_600: HOUR, 86_400: HOUR // 86_400 * 86_400}
    await store.commit(Batch(summaries=[replace(ROW, width_s=width, bucket=start) for width, start in widths.items()]))
    before = await answers()
    await store.commit(
        Batch(summaries=[replace(ROW, epoch=epoch, model=m) for epoch in range(5) for m in ("yolo", "zoo")])
    )
    assert await answers() == before
    assert len(await reader.epoch_summaries("t-1")) == 10


async def test_whole_epochs_are_found_by_their_own_index(store: Store) -> None:
    """The cost of a test's results does not grow with the tests of others."""
    steps = await store.fetch(
        "EXPLAIN QUERY PLAN SELECT payload FROM summaries WHERE width_s = 0 AND bucket = 0 AND experiment = ?"
        " AND slice = '' ORDER BY epoch, model, version, role",
        ("t-1",),
    )
    assert "USING INDEX summaries_epochs (experiment=?)" in steps[0][3]


async def test_units_are_counted_once_within_the_period_and_the_model(
    store: Store, reader: Reader, make_prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over all versions of a model, or all models; requests without a unit are not one more."""
    monkeypatch.setattr("sidecar.recording.reader_trials.UNITS_PAGE", 3)
    names = ["a", "b", "a", "", "c", "b", "d", "a"]
    rows = [make_prediction(n, unit=name, at=float(n // 2), version=str(n % 3)) for n, name in enumerate(names)]
    rows += [make_prediction(20 + n, unit=f"z{n}", at=1.0, model="zoo") for n in range(7)]
    await store.commit(Batch(rows))
    assert await reader.units_seen("yolo", 0.0, 4.0) == 4
    assert await reader.units_seen("yolo", 1.0, 3.0) == 3
    assert await reader.units_seen("zoo", 0.0, 4.0) == 7
    assert await reader.units_seen(None, 0.0, 4.0) == 11
    assert await reader.units_seen("none", 0.0, 4.0) is None
    assert await reader.units_seen("caf\udce9", 0.0, 4.0) is None


async def test_units_nobody_named_or_of_too_much_are_not_told(
    store: Store, reader: Reader, make_prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None where no request had a unit, and where more predictions than the bound would have to be looked at."""
    monkeypatch.setattr("sidecar.recording.reader_trials.UNITS_PAGE", 4)
    monkeypatch.setattr("sidecar.recording.reader_trials.UNITS_SCANNED_MAX", 10)
    rows = [make_prediction(n, unit=f"u{n}", at=float(n), version=str(n % 2)) for n in range(11)]
    await store.commit(Batch([*rows, make_prediction(50, unit="", at=100.0)]))
    assert await reader.units_seen("yolo", 0.0, 10.0) == 10
    assert await reader.units_seen("yolo", 0.0, 11.0) is None
    assert await reader.units_seen(None, 0.0, 11.0) is None
    assert await reader.units_seen("yolo", 100.0, 101.0) is None


async def test_predictions_of_a_test_are_found_within_its_time(store: Store, reader: Reader, make_prediction) -> None:
    """Its id narrows like any other filter, shadow copies included."""
    changes = [{}, {"experiment": "t-1"}, {"experiment": "t-1", "role": "shadow"}, {"experiment": "t-2"}]
    await store.commit(Batch([make_prediction(n, at=float(n), **change) for n, change in enumerate(changes)]))

    async def found(**filters: object) -> list[str]:
        return [item.prediction_id for item in (await reader.predictions(since=0.0, **filters)).items]

    assert await found(experiment="t-1") == ["id-2", "id-1"]
    assert await found(experiment="t-1", until=2.0) == ["id-1"]
    assert await found(experiment="") == ["id-0"]
    assert await found(experiment="none") == []


async def test_samples_of_a_prediction_are_found(store: Store, reader: Reader) -> None:
    """By the whole id, beside the other filters."""
    sample = Sample("s", "p", "m", "1", 0.0, ("disagreement",), 1.0, "needs_review", "image/png", "samples/s", 9, 4, 3)
    for name in ("p1", "p1.0", "p1-shadow"):
        await store.add_sample(replace(sample, sample_id=name, prediction_id=name))
    assert [item.sample_id for item in (await reader.samples(prediction_id="p1")).items] == ["p1"]
    assert (await reader.samples(prediction_id="p1", reason="random_sample")).items == []
    assert (await reader.samples(prediction_id="p")).items == []


async def test_buckets_of_a_test_come_in_pages_by_an_index_of_their_own(store: Store, reader: Reader) -> None:
    """Of one width, oldest first, all slices; those of other traffic are not read for it."""
    rows = [
        replace(ROW, width_s=60, bucket=HOUR + 60 * place, role=role, slice=slice)
        for place in range(4)
        for role, slice in (("control", ""), ("treatment", "north"))
    ]
    others = [replace(ROW, width_s=60, bucket=HOUR, experiment=name) for name in ("", "t-2")]
    await store.commit(Batch(summaries=[*reversed(rows), *others, ROW, replace(ROW, width_s=3_600, bucket=HOUR)]))
    kept = await reader.buckets_kept("t-1")
    assert [(one.width_s, one.rows, one.first) for one in kept] == [(60, 8, HOUR), (3_600, 1, HOUR)]
    first, after = await reader.buckets_of("t-1", 60, None, 5)
    second, end = await reader.buckets_of("t-1", 60, after, 5)
    assert [row.bucket for row in (*first, *second)] == [row.bucket for row in rows]
    assert {(row.bucket, row.role) for row in (*first, *second)} == {(row.bucket, row.role) for row in rows}
    assert end is None
    asked = "EXPLAIN QUERY PLAN SELECT width_s FROM summaries WHERE experiment <> '' AND experiment = ? AND"
    for of_widths in ("width_s > 0 GROUP BY width_s", "width_s = 60 ORDER BY bucket, rowid"):
        steps = await store.fetch(f"{asked} {of_widths}", ("t-1",))
        assert "summaries_tests (experiment=? AND width_s" in steps[0][3], steps
        assert len(steps) == 1, steps


async def test_shadow_answers_are_told_among_what_is_passed_by(store: Store, reader: Reader, make_prediction) -> None:
    """No more is read than the limit says, however rare they are; the place of the last is where to go on."""
    shadow = {"experiment": "t-1", "role": "shadow", "version": "4"}
    rows = [make_prediction(n, at=float(n), **(shadow if n % 3 == 0 else {})) for n in range(9)]
    await store.commit(Batch(rows))
    first = await reader.shadow_answers("t-1", None, None, 1.0, 100.0, None, 4)
    second = await reader.shadow_answers("t-1", None, None, 1.0, 100.0, first[-1][:2], 100)
    assert [one.prediction_id for one in first] == ["", "", "id-6", ""]
    assert [one.prediction_id for one in second] == ["", "id-3", "", ""]
    of_version = await reader.shadow_answers("t-1", "yolo", "4", 0.0, 100.0, None)
    assert [one.prediction_id for one in of_version] == ["id-6", "id-3", "id-0"]
    assert list(await reader.predictions_named(["id-3", "none"])) == ["id-3"]
