"""Tests that the configuration declares, followed over a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.app.config import Config
from sidecar.app.control import Control
from sidecar.app.load import load_config
from sidecar.app.state import State, load_state
from sidecar.app.trialing import Trialing
from sidecar.experiments.lifecycle import EPOCHS_MAX, Trial, ramped, stopped
from sidecar.recording import Reader, Store
from sidecar.recording.files import store_path
from sidecar.types import ProxySettings

NIGHT = {"name": "night", "model": "det", "control": "A", "treatment": "B", "traffic_split": 0.1}
COPY = {"name": "copy", "model": "gate", "shadow": "B"}


class Bench:
    """A sidecar's tests without its workers: ``applied`` has what they were told. ``now`` goes on by hand."""

    def __init__(self, folder: Path, store: Store, reader: Reader) -> None:
        self.folder = folder
        self.store = store
        self.reader = reader
        self.applied: list[ProxySettings] = []
        self.now = 1_800_000_000.0

    def config(self, versions: str = "12", threshold: float = 0.25, **tests: list[dict[str, Any]]) -> Config:
        upstreams = [
            {"name": name, "url": f"http://{name.lower()}", "version": version, "score_threshold": threshold}
            for name, version in zip("ABC", versions, strict=False)
        ]
        return load_config(None, {"upstreams": upstreams, "data_dir": self.folder, **tests})

    async def start(self, config: Config) -> Trialing:
        """A life of the monitor, from what is on the disk."""
        control = Control(config, load_state(self.folder), self.applied.append)
        trialing = Trialing(config, self.store, self.reader, control, clock=lambda: self.now)
        await trialing.restore()
        return trialing

    async def reload(self, trialing: Trialing, config: Config) -> None:
        trialing.control.reload(config)
        trialing.configure(config)
        await trialing.reconcile()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    opened = Bench(tmp_path, await Store.open(tmp_path), await Reader.open(tmp_path))
    yield opened
    await opened.reader.close()
    await opened.store.close()


def found(trialing: Trialing) -> list[Trial]:
    """Oldest first."""
    return [entry.trial for entry in reversed(trialing.book.all())]


async def test_declared_tests_begin_with_the_sidecar(bench: Bench) -> None:
    """Before the admin port answers, with the operating points they begin under."""
    trialing = await bench.start(bench.config(experiments=[NIGHT], shadows=[COPY]))
    assert {trial.trial_id: (trial.kind, trial.origin) for trial in found(trialing)} == {
        "night": ("ab", "config"),
        "copy": ("shadow", "config"),
    }
    assert [item.name for item in bench.applied[-1].experiments] == ["night"]
    assert [item.name for item in bench.applied[-1].shadows] == ["copy"]


async def test_a_restart_goes_on_where_it_was(bench: Bench) -> None:
    """The same declaration is the same test in the same epoch; one that a person stopped stays so."""
    config = bench.config(experiments=[NIGHT], shadows=[COPY])
    first = await bench.start(config)
    await first.book.change("shadow", "copy", stopped)
    before = found(first)
    bench.now += 5
    assert sorted(found(await bench.start(config)), key=lambda trial: trial.trial_id) == sorted(
        before, key=lambda trial: trial.trial_id
    )


async def test_a_declared_split_that_changed_ramps_the_test(bench: Bench) -> None:
    """It is the same test in another epoch."""
    trialing = await bench.start(bench.config(experiments=[NIGHT]))
    await bench.reload(trialing, bench.config(experiments=[NIGHT | {"traffic_split": 0.5}]))
    (trial,) = found(trialing)
    assert [epoch.shares for epoch in trial.epochs] == [(0.1,), (0.5,)]
    assert bench.applied[-1].experiments[0].epoch == 1


async def test_what_else_changed_makes_another_test(bench: Bench) -> None:
    """Figures of another unit or metric are not those of the test before."""
    trialing = await bench.start(bench.config(experiments=[NIGHT]))
    bench.now += 5
    await bench.reload(trialing, bench.config(experiments=[NIGHT | {"unit": "client"}]))
    assert [(trial.trial_id, trial.status, trial.reason) for trial in found(trialing)] == [
        ("night", "stopped", "it was changed in the configuration"),
        ("night-2", "running", ""),
    ]


async def test_a_test_that_is_no_longer_declared_is_stopped(bench: Bench) -> None:
    """Declared again it begins anew."""
    trialing = await bench.start(bench.config(experiments=[NIGHT]))
    await bench.reload(trialing, bench.config())
    (trial,) = found(trialing)
    assert (trial.status, trial.reason) == ("stopped", "it is no longer in the configuration")
    assert bench.applied[-1].experiments == ()
    await bench.reload(trialing, bench.config(experiments=[NIGHT]))
    assert [trial.trial_id for trial in trialing.book.active()] == ["night-2"]


async def test_a_test_that_people_made_is_not_the_configurations(bench: Bench) -> None:
    """It outlives every reload; a declaration that it stands against is said, and begins once it is free."""
    trialing = await bench.start(bench.config())
    definition = bench.config(experiments=[NIGHT | {"name": "theirs"}]).experiments[0].definition
    await trialing.book.begin(definition)
    await bench.reload(trialing, bench.config(experiments=[NIGHT]))
    assert [trial.trial_id for trial in trialing.book.active()] == ["theirs"]
    await trialing.book.change("ab", "theirs", stopped)
    await bench.reload(trialing, bench.config(experiments=[NIGHT]))
    assert [trial.trial_id for trial in trialing.book.active()] == ["night"]


async def test_a_declared_test_takes_nothing_from_what_serves(bench: Bench) -> None:
    """Where another version was promoted it does not begin, and says so; in the configuration it stays declared."""
    trialing = await bench.start(bench.config("123"))
    trialing.control.follow([], ("det", "C"), 5.0)
    await bench.reload(trialing, bench.config("123", experiments=[NIGHT]))
    assert found(trialing) == []
    trialing.control.follow([], ("det", "A"), 6.0)
    await bench.reload(trialing, bench.config("123", experiments=[NIGHT]))
    assert [trial.trial_id for trial in found(trialing)] == ["night"]


async def test_too_many_epochs_stop_a_test_and_nothing_else(bench: Bench) -> None:
    """An operating point that changes once more ends it; the monitor goes on, and other tests too."""
    trialing = await bench.start(bench.config(experiments=[NIGHT], shadows=[COPY]))
    for share in range(1, EPOCHS_MAX):
        split = (0.1 if share % 2 else 0.2,)
        await trialing.book.change("ab", "night", lambda trial, now, split=split: ramped(trial, split, now, "x"))
    await bench.reload(trialing, bench.config(threshold=0.4, experiments=[NIGHT], shadows=[COPY]))
    told = {trial.trial_id: (trial.status, trial.reason[:26]) for trial in found(trialing)}
    assert told == {"night": ("stopped", "an operating point changed"), "copy": ("running", "")}


async def test_declared_tests_have_their_channels_told(bench: Bench) -> None:
    """By the alert that tests made by people get."""
    heard: list[str] = []

    async def tell(trial: Trial) -> None:
        heard.append(trial.trial_id)

    config = bench.config(experiments=[NIGHT | {"notify": ["slack:#ml"]}], shadows=[COPY])
    control = Control(config, load_state(bench.folder), bench.applied.append)
    trialing = Trialing(config, bench.store, bench.reader, control, clock=lambda: bench.now, tell=tell)
    await trialing.restore()
    assert heard == ["night"]


async def test_a_changed_operating_point_opens_an_epoch(bench: Bench) -> None:
    """What counts as a detection is part of what an epoch measured."""
    trialing = await bench.start(bench.config(experiments=[NIGHT]))
    await bench.reload(trialing, bench.config(threshold=0.4, experiments=[NIGHT]))
    (trial,) = found(trialing)
    assert [epoch.reason for epoch in trial.epochs] == ["begun", "an operating point changed"]
    await bench.reload(trialing, bench.config(threshold=0.4, experiments=[NIGHT]))
    assert found(trialing) == [trial]


async def test_a_test_whose_version_changed_is_over(bench: Bench) -> None:
    """It would compare two versions as if they were one."""
    trialing = await bench.start(bench.config(shadows=[COPY]))
    await bench.reload(trialing, bench.config("13", shadows=[COPY]))
    assert [(trial.status, trial.reason) for trial in found(trialing)] == [
        ("stopped", "B was version '2', now '3'"),
    ]


async def test_a_test_whose_upstream_is_gone_is_over(bench: Bench) -> None:
    """Its traffic goes to what serves."""
    trialing = await bench.start(bench.config())
    await trialing.book.begin(bench.config(experiments=[NIGHT]).experiments[0].definition)
    await bench.reload(trialing, bench.config("1"))
    assert [(trial.status, trial.reason) for trial in found(trialing)] == [
        ("stopped", "there is no upstream B any more"),
    ]


async def test_a_shadow_is_compared_with_what_serves_and_with_nothing_else(bench: Bench) -> None:
    """Where the configuration makes another version serve, the test is over."""
    trialing = await bench.start(bench.config("123", shadows=[COPY]))
    changed = bench.config("123", shadows=[COPY]).model_copy(update={"default_upstream": "C"})
    await bench.reload(trialing, changed)
    assert [(trial.status, trial.reason) for trial in found(trialing)] == [("stopped", "C serves now")]


async def test_tests_under_way_survive_the_loss_of_the_store(bench: Bench, tmp_path: Path) -> None:
    """What workers follow stands in the settings; a store that was begun anew is taught."""
    config = bench.config(experiments=[NIGHT])
    trial = found(await bench.start(config))[0]
    await bench.reader.close()
    await bench.store.close()
    store_path(tmp_path).unlink()
    bench.store, bench.reader = await Store.open(tmp_path), await Reader.open(tmp_path)
    trialing = await bench.start(config)
    assert found(trialing) == [trial]
    assert [row.trial_id for row in await trialing.rows.all()] == ["night"]


def test_a_state_of_long_ago_is_read() -> None:
    """Fields that there are no longer are passed over."""
    assert State.model_validate_json('{"version": 4, "epochs": {}}').version == 4
