from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.recording import (
    Alerts,
    BaselineRow,
    Baselines,
    Batch,
    Change,
    ClockAgreement,
    DriftCheckRow,
    DriftChecks,
    NotificationRow,
    Notifications,
    Reader,
    Sample,
    Store,
    SummaryRow,
    TransitionRow,
)
from sidecar.recording.files import disk_bytes
from sidecar.recording.retention import SLICE_S, Retention

NOW = 1_700_100_000.0
DAY_S = 86_400


def sample(tmp_path: Path, number: int, at: float, size: int = 10_000) -> Sample:
    path = f"samples/{number}.jpg"
    (tmp_path / "samples").mkdir(exist_ok=True)
    (tmp_path / path).write_bytes(b"x" * size)
    return Sample(
        f"s{number}",
        f"p{number}",
        "m",
        "1",
        at,
        ("no_detections",),
        0.5,
        "needs_review",
        "image/jpeg",
        path,
        size,
        4,
        3,
    )


async def test_what_is_too_old_goes_with_its_image_files(
    store: Store, reader: Reader, tmp_path: Path, make_prediction
) -> None:
    """Predictions, samples and their files from before the age limit go; what is younger stays."""
    await store.commit(Batch([make_prediction(i, at=NOW - age) for i, age in enumerate((500, 101, 99, 0))]))
    old, young = sample(tmp_path, 1, NOW - 200), sample(tmp_path, 2, NOW - 50)
    await store.add_sample(old)
    await store.add_sample(young)
    removed = await store.retain(NOW, age_s=100, bytes_max=1 << 40)
    assert (removed.predictions, removed.samples) == (2, [old])
    assert [p.prediction_id for p in (await reader.predictions()).items] == ["id-3", "id-2"]
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["2.jpg"]
    assert removed.bytes >= old.bytes


async def test_over_the_bytes_images_go_before_predictions(store: Store, tmp_path: Path, make_prediction) -> None:
    """The oldest images make room first; predictions stay while that is enough."""
    await store.commit(Batch([make_prediction(i) for i in range(100)]))
    for number in range(60):
        await store.add_sample(sample(tmp_path, number, float(number), size=50_000))
    removed = await store.retain(0.0, age_s=1e9, bytes_max=2_450_000)
    assert removed.predictions == 0
    assert [s.sample_id for s in removed.samples] == [f"s{number}" for number in range(20)]


async def test_over_the_bytes_without_images_the_oldest_predictions_go(
    store: Store, reader: Reader, tmp_path: Path, make_prediction
) -> None:
    """The store shrinks under the bound on disk, too, and what is left is the newest."""
    await store.commit(Batch([make_prediction(i) for i in range(8_000)]))
    before = disk_bytes(tmp_path)
    removed = await store.retain(0.0, age_s=1e9, bytes_max=1_000_000)
    assert 0 < removed.predictions < 8_000
    assert (tmp_path / "sidecar.sqlite3").stat().st_size <= 1_000_000
    assert disk_bytes(tmp_path) < before
    assert (await reader.predictions(limit=1)).items[0].prediction_id == "id-7999"


async def test_bound_of_nothing_empties_the_store_and_ends(store: Store, make_prediction) -> None:
    """A bound that can't be met ends when nothing is left to remove."""
    await store.commit(Batch([make_prediction(i) for i in range(50)]))
    assert (await store.retain(0.0, age_s=1e9, bytes_max=0)).predictions == 50


async def test_hourly_summaries_outlive_the_finer_ones(store: Store, reader: Reader) -> None:
    """By age ten-second buckets go and hours stay for a year and a bit."""
    row = SummaryRow(int(NOW) - 7_200, 10, "m", "1", "serving", "", 0, "", 1, b"x")
    ancient = replace(row, width_s=3600, bucket=int(NOW) - 500 * 86_400)
    await store.commit(Batch(summaries=[row, replace(row, width_s=60), replace(row, width_s=3600), ancient]))
    await store.retain(NOW, age_s=600, bytes_max=1 << 40)
    assert await reader.summaries(since=0, until=NOW, width_s=60) == []
    assert await reader.summaries(since=0, until=NOW, width_s=10) == []
    assert [item.bucket for item in await reader.summaries(since=0, until=NOW, width_s=3600)] == [row.bucket]


async def test_daily_summaries_are_kept_as_the_hourly_ones(store: Store, reader: Reader) -> None:
    """A day stays until all of it is 400 days past, also where predictions go after a week."""
    row = SummaryRow(0, 86_400, "m", "1", "serving", "", 0, "", 1, b"x")
    today = int(NOW) // 86_400 * 86_400
    ages = (402, 401, 400, 1, 0)
    await store.commit(Batch(summaries=[replace(row, bucket=today - age * 86_400) for age in ages]))
    await store.retain(today + 10.0, age_s=7 * 86_400, bytes_max=1 << 40)
    kept = await reader.summaries(since=0, until=NOW, width_s=86_400)
    assert [(today - item.bucket) // 86_400 for item in kept] == [400, 1, 0]


@pytest.mark.parametrize("width_s", [10, 60])
async def test_many_old_summaries_go_in_slices(store: Store, reader: Reader, width_s: int) -> None:
    """All that is too old goes, the oldest first, and nothing younger."""
    row = SummaryRow(0, width_s, "m", "1", "serving", "", 0, "", 1, b"x")
    await store.commit(Batch(summaries=[replace(row, bucket=number * width_s) for number in range(2_000)]))
    await store.retain(1_500.0 * width_s, age_s=0.0, bytes_max=1 << 40)
    left = await reader.summaries(since=0, until=NOW, width_s=width_s)
    assert [item.bucket // width_s for item in left] == list(range(1_499, 2_000))


async def alerts_of_two_ages(store: Store, make_alert) -> None:
    """Two alerts with a transition and three notifications each, long ago and now; one check and baseline each."""
    alerts, notifications = Alerts(store), Notifications(store)
    for number, at in ((1, NOW - 401 * DAY_S), (2, NOW)):
        row = make_alert(number)
        await alerts.create(row)
        fired = TransitionRow(0, row.alert_id, at, "pending", "firing", 0.5, "")
        told = [NotificationRow(0, row.alert_id, None, "webhook:x", kind, {}, at) for kind in ("s", "g", "w")]
        await alerts.record([Change(row, fired, told)])
        sent, given_up, _ = reversed(await notifications.of_alert(row.alert_id))
        await notifications.sent(sent.id, at)
        await notifications.failed(given_up.id, at, "", True)
        await DriftChecks(store).put(DriftCheckRow("m", "1", "", at - 60, at, "b", at, {}))
        await Baselines(store).put(BaselineRow(f"b{number}", "m", "1", str(number), 0.0, 1.0, at, "auto", {}, b""))


async def test_what_was_watched_goes_after_a_year_and_baselines_never(store: Store, make_alert) -> None:
    """Old transitions, drift checks and done notifications go; alerts, baselines and open notifications stay."""
    await alerts_of_two_ages(store, make_alert)
    await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)
    alerts, notifications = Alerts(store), Notifications(store)
    assert [item.alert_id for item in (await alerts.transitions()).items] == ["a2"]
    assert [row.until for row in (await DriftChecks(store).page("m")).items] == [NOW]
    assert [row.kind for row in await notifications.of_alert("a1")] == ["w"]
    assert len(await notifications.of_alert("a2")) == 3
    assert len(await alerts.all()) == 2
    assert len(await Baselines(store).all()) == 2


async def test_notifications_that_are_done_go_after_a_month(store: Store, make_alert) -> None:
    """Transitions of that age stay."""
    await alerts_of_two_ages(store, make_alert)
    await store.retain(NOW + 31 * DAY_S, age_s=DAY_S, bytes_max=1 << 40)
    assert await Notifications(store).counts() == {"waiting": 2, "sent": 0, "gave_up": 0}
    assert len((await Alerts(store).transitions(alert_id="a2")).items) == 1


async def test_nothing_goes_by_age_while_the_clocks_disagree(store: Store, make_alert) -> None:
    """An endless age keeps transitions, checks, notifications and summaries, whatever the wall clock says."""
    await alerts_of_two_ages(store, make_alert)
    row = SummaryRow(0, 3_600, "m", "1", "serving", "", 0, "", 1, b"x")
    await store.commit(Batch(summaries=[row, replace(row, width_s=10)]))
    await store.retain(NOW + 4_000 * DAY_S, age_s=float("inf"), bytes_max=1 << 40)
    assert len((await Alerts(store).transitions()).items) == 2
    assert len((await DriftChecks(store).page("m")).items) == 2
    assert await Notifications(store).counts() == {"waiting": 2, "sent": 2, "gave_up": 2}
    assert await store.fetch("SELECT COUNT(*) FROM summaries") == [(2,)]


async def test_deleted_alerts_go_with_their_transitions_and_default_ones_stay_known(store: Store, make_alert) -> None:
    """A default rule that was deleted is not made again, not even years later."""
    alerts = Alerts(store)
    await alerts.create(make_alert(1))
    await alerts.create(make_alert(2, origin="default"))
    for alert_id in ("a1", "a2"):
        await alerts.delete(alert_id, NOW - 401 * DAY_S)
    await alerts.create(make_alert(3))
    await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)
    assert await alerts.default_names("yolo") == {"Errors 2"}
    assert await store.fetch("SELECT alert_id FROM alerts ORDER BY id") == [("a2",), ("a3",)]


async def test_old_reports_give_their_room_back(store: Store) -> None:
    """More reports than a slice takes all go, and the file shrinks by what they took."""
    checks = DriftChecks(store)
    report = {"sentence": "x" * 20_000}
    for number in range(300):
        await checks.put(DriftCheckRow("m", "1", "", float(number), number + 1.0, "b", number + 1.0, report))
    removed = await store.retain(NOW, age_s=DAY_S, bytes_max=1 << 40)
    assert (await checks.page("m")).items == []
    assert removed.bytes > 300 * 20_000


@pytest.mark.parametrize(("rows", "took_s", "expected"), [(100, 0.05, 50), (100, 1e-9, 200), (100, 60.0, 10)])
def test_next_slice_is_fitted_to_how_long_the_last_took(rows: int, took_s: float, expected: int) -> None:
    """Slices aim at half of their limit, double at most, and never shrink to nothing."""
    assert SLICE_S == 0.05
    assert Retention.rows_after(rows, took_s) == expected


def test_clock_jump_is_noticed() -> None:
    """After the wall clock is set a day on, age is no measure; a leap of seconds is none."""
    clocks = ClockAgreement(wall=NOW, monotonic=10.0)
    assert clocks.agree(wall=NOW + 3_601, monotonic=3_610.0)
    assert not clocks.agree(wall=NOW + 86_400, monotonic=3_610.0)
    assert not clocks.agree(wall=NOW - 86_400, monotonic=3_610.0)


async def test_deleting_a_prediction_takes_its_images_along(
    store: Store, reader: Reader, tmp_path: Path, make_prediction
) -> None:
    """Deletion by id removes the row, the samples' rows and their files."""
    await store.commit(Batch([make_prediction(1, prediction_id="p1")]))
    kept = sample(tmp_path, 1, NOW)
    await store.add_sample(kept)
    assert await store.delete_prediction("p1") == [kept]
    assert await reader.prediction("p1") is None
    assert await reader.sample("s1") is None
    assert not (tmp_path / kept.path).exists()


@pytest.mark.parametrize("path", ["../outside.jpg", "/etc/passwd", "", "samples/../../x"])
async def test_sample_outside_the_data_folder_is_refused(store: Store, path: str) -> None:
    """A path that leads out of the folder is an error at once, so that retention never deletes there."""
    with pytest.raises(ValueError, match="path:"):
        await store.add_sample(Sample("s", "p", "m", "1", 0.0, (), 1.0, "needs_review", "image/png", path, 1, 1, 1))
