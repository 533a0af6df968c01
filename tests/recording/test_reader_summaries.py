from dataclasses import replace

import pytest

from sidecar.recording import UNJUDGED_ROLES, Batch, Reader, Store, SummaryRow

HOUR = 1_699_999_200
ROW = SummaryRow(HOUR, 3_600, "yolo", "3", "serving", "", 0, "", 1, b"x")


async def plan(store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch, name: str, *arguments: object) -> str:
    """How SQLite goes about the statements of a method of the reader."""
    steps = []
    fetch = reader._fetch

    async def explained(statement, parameters):
        steps.extend(await store.fetch(f"EXPLAIN QUERY PLAN {statement}", parameters))
        return await fetch(statement, parameters)

    monkeypatch.setattr(reader, "_fetch", explained)
    await getattr(reader, name)(*arguments)
    return "; ".join(step[3] for step in steps)


async def test_summaries_are_found_by_slice_and_without_roles(store: Store, reader: Reader) -> None:
    """A slice is only itself, the empty one too; roles are left out of any model's rows."""
    rows = [
        ROW,
        replace(ROW, slice="north"),
        replace(ROW, slice="north", role="shadow"),
        replace(ROW, model="rtdetr", role="override"),
        replace(ROW, model="rtdetr", role="treatment"),
    ]
    await store.commit(Batch(summaries=rows))

    async def found(**filters: object) -> set[tuple[str, str, str]]:
        rows = await reader.summaries(since=HOUR, until=HOUR + 1, width_s=3_600, **filters)
        return {(row.model, row.slice, row.role) for row in rows}

    assert await found(roles_without=UNJUDGED_ROLES) == {
        ("yolo", "", "serving"),
        ("yolo", "north", "serving"),
        ("rtdetr", "", "treatment"),
    }
    assert await found(slice="north") == {("yolo", "north", "serving"), ("yolo", "north", "shadow")}
    assert await found(slice="", model="yolo") == {("yolo", "", "serving")}
    assert len(await found()) == 5


async def test_summary_span_reaches_from_the_first_hour_to_the_end_of_the_last(store: Store, reader: Reader) -> None:
    """By model or by version; other widths, and roles that are not judged, say nothing."""
    await store.commit(
        Batch(
            summaries=[
                replace(ROW, bucket=HOUR + 7_200),
                ROW,
                replace(ROW, bucket=HOUR + 36_000, version="4"),
                replace(ROW, bucket=0, role="shadow"),
                replace(ROW, bucket=0, width_s=86_400),
                replace(ROW, bucket=0, model="rtdetr"),
            ]
        )
    )
    assert await reader.summary_span("yolo", "3") == (HOUR, HOUR + 10_800)
    assert await reader.summary_span("yolo") == (HOUR, HOUR + 39_600)
    assert await reader.summary_span("yolo", "3", roles_without=()) == (0, HOUR + 10_800)
    assert await reader.summary_span("none") is None
    assert await reader.summary_span("yolo", "none") is None
    assert await reader.summary_span("caf\udce9") is None


@pytest.mark.parametrize(
    ("widths", "expected"),
    [
        ({3_600: HOUR, 60: HOUR + 120, 10: HOUR + 130}, HOUR + 130),
        ({3_600: HOUR, 60: HOUR + 120, 10: HOUR + 7_200}, HOUR + 120),
        ({3_600: HOUR, 60: HOUR + 7_200, 10: HOUR + 7_200}, HOUR),
        ({10: HOUR + 130}, HOUR + 130),
        ({}, None),
    ],
)
async def test_first_bucket_is_as_fine_as_what_is_kept(
    store: Store, reader: Reader, widths: dict[int, int], expected: int | None
) -> None:
    """Where the finer buckets of the first hour are still kept they tell when it began, else the hour does."""
    rows = [replace(ROW, width_s=width_s, bucket=bucket) for width_s, bucket in widths.items()]
    others = [replace(row, bucket=0, **changes) for row in rows for changes in ({"version": "4"}, {"role": "shadow"})]
    await store.commit(Batch(summaries=[*rows, *others]))
    assert await reader.first_bucket("yolo", "3") == expected


async def test_slices_are_those_with_requests_in_the_period(store: Store, reader: Reader) -> None:
    """By whole hours, each name once; traffic without a slice, or of roles that are not judged, has none."""
    names = ("south", "north", "", "north")
    rows = [replace(ROW, slice=name, version=str(number)) for number, name in enumerate(names)]
    more = [
        replace(ROW, slice="later", bucket=HOUR + 3_600),
        replace(ROW, slice="earlier", bucket=HOUR - 3_600),
        replace(ROW, slice="shadowed", role="shadow"),
        replace(ROW, slice="other", model="rtdetr"),
        replace(ROW, slice="minute", width_s=60),
    ]
    await store.commit(Batch(summaries=[*rows, *more]))
    assert await reader.slices("yolo", None, HOUR + 1_800, HOUR + 3_600) == ["north", "south"]
    assert await reader.slices("yolo", "0", HOUR, HOUR + 3_600) == ["south"]
    assert await reader.slices("yolo", None, HOUR - 1, HOUR + 3_601) == ["earlier", "later", "north", "south"]
    assert await reader.slices("none", None, 0, 1e12) == []


async def test_ends_of_a_record_are_looked_up_and_not_searched(store: Store, reader: Reader, monkeypatch) -> None:
    """The index of hours serves the span of a version and of a model without reading a row."""
    for version in ("3", None):
        steps = await plan(store, reader, monkeypatch, "summary_span", "yolo", version)
        assert "COVERING INDEX summaries_hours (model=?" in steps
        assert "SCAN summaries" not in steps
        monkeypatch.undo()
    steps = await plan(store, reader, monkeypatch, "slices", "yolo", None, 0, 1e9)
    assert "(width_s=? AND bucket>? AND bucket<?)" in steps


def key(row: SummaryRow) -> tuple[int, str, str, str, str, int, str]:
    return row.bucket, row.model, row.version, row.role, row.experiment, row.epoch, row.slice


async def test_pages_of_summaries_reach_every_row_once_in_the_order_of_the_key(store: Store, reader: Reader) -> None:
    """By bucket, then by model and the rest; other widths, times, models and roles are left out."""
    kinds = [("a", "1", "serving", "e", 0, ""), ("a", "1", "serving", "e", 1, "s"), ("a", "2", "treatment", "", 0, "")]
    kinds += [("c", "1", "serving", "", 0, "s"), ("c", "1", "shadow", "", 0, ""), ("b", "1", "serving", "", 0, "")]
    rows = [SummaryRow(b, w, *kind, 1, b"x") for b in (30, 10, 0, 20, 40) for w in (10, 60) for kind in reversed(kinds)]
    await store.commit(Batch(summaries=rows))
    asked = {"since": 10, "until": 40, "width_s": 10, "roles_without": UNJUDGED_ROLES}
    wanted = [row for row in rows if row.width_s == 10 and 10 <= row.bucket < 40 and row.role != "shadow"]
    for models in (["a", "c"], ["a"], None):
        expected = sorted((row for row in wanted if models is None or row.model in models), key=key)
        for limit in (1, 4, len(expected), 1_000):
            seen, after = [], None
            while True:
                page, after = await reader.summaries_page(**asked, models=models, after=after, limit=limit)
                assert len(page) <= limit
                seen += page
                if after is None:
                    break
                assert after == key(page[-1])
            assert seen == expected
    assert await reader.summaries_page(**asked, models=[]) == ([], None)
    before = (0, "z", "", "", "", 0, "")
    assert (await reader.summaries_page(**asked, models=None, after=before))[0] == sorted(wanted, key=key)
    for limit in (0, 5_000):
        with pytest.raises(ValueError, match=r"^limit:"):
            await reader.summaries_page(**asked, models=None, limit=limit)


@pytest.mark.parametrize("width_s", [10, 3_600])
async def test_page_of_summaries_begins_where_the_last_one_ended(
    store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch, width_s: int
) -> None:
    """The index of the key is entered at the row after, and gives the order: nothing is sorted or read twice."""
    rows = [replace(ROW, bucket=hour * 3_600, width_s=width_s, model=m) for hour in range(50) for m in "abcd"]
    await store.commit(Batch(summaries=rows))
    await store.run(lambda connection: connection.execute_fetchall("ANALYZE"))
    steps: list[str] = []
    fetch = reader._fetch

    async def explained(statement, parameters):
        steps.extend(row[3] for row in await fetch(f"EXPLAIN QUERY PLAN {statement}", parameters))
        return await fetch(statement, parameters)

    monkeypatch.setattr(reader, "_fetch", explained)
    asked = {"since": 0, "until": 1e9, "width_s": width_s, "models": ["a", "c"], "limit": 10}
    for _ in range(2):  # the second time with the values in hand, which the planner may go by
        page, after = await reader.summaries_page(**asked)
        await reader.summaries_page(**asked, after=after)
    assert len(page) == 10
    first = "SEARCH summaries USING INDEX sqlite_autoindex_summaries_1 (width_s=? AND bucket>? AND bucket<?)"
    next_one = (
        "SEARCH summaries USING INDEX sqlite_autoindex_summaries_1 (width_s=?"
        " AND (bucket,model,version,role,experiment,epoch,slice)>(?,?,?,?,?,?,?) AND bucket<?)"
    )
    assert steps == [first, next_one] * 2
