"""An improvement loop with tests of versions beside it, over a real store: a monitor without workers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from sidecar.api import Services
from sidecar.app.control import Control
from sidecar.app.load import load_config
from sidecar.app.loop import Loop
from sidecar.app.models_api import ModelsApi
from sidecar.app.state import load_state
from sidecar.app.training_api import TrainingApi
from sidecar.app.trial_asking import Asking
from sidecar.app.trialing import Trialing
from sidecar.app.trials_api import TrialsApi
from sidecar.app.watching import Watching
from sidecar.recording import Reader, Store
from sidecar.recording.files import store_path
from sidecar.training import Job, Report, Result, Upstream
from sidecar.types import ProxySettings
from tests.api.looped import add_items
from tests.app.test_watching import Quiet

NOW = 1_800_000_000.0
SECRET = "whsec_c2l4dGVlbiBieXRlcyBhdCB0aGUgbGVhc3Q="
UPSTREAMS = [{"name": "A", "urls": ["http://127.0.0.1:1", "http://127.0.0.1:2"], "version": "1"}]


class Life:
    """One life of the monitor; ``applied`` has what its workers were told."""

    def __init__(self, folder: Path, store: Store, reader: Reader) -> None:
        (folder / "secret").write_text(SECRET)
        (folder / "secret").chmod(0o600)
        trainer = {"name": "away", "webhook": "http://127.0.0.1:9/train", "secret_file": str(folder / "secret")}
        config = load_config(None, {"upstreams": UPSTREAMS, "data_dir": folder, "trainers": [trainer]})
        self.folder, self.store, self.reader = folder, store, reader
        self.applied: list[ProxySettings] = []
        self.control = Control(config, load_state(folder), self.applied.append)
        self.loop = Loop(config, store, reader, self.control, clock=lambda: NOW)
        self.trialing = Trialing(self.control.config, store, reader, self.control, clock=lambda: NOW)
        named = self.loop.known.pairs
        self.watching = Watching(config, store, reader, cast(Any, Quiet()), clock=lambda: NOW, named=named)
        asking = Asking(self.trialing, self.watching, self.watching.tell_of_stops, named)
        self.trials = TrialsApi(self.trialing, asking)
        totals = SimpleNamespace(summaries=dict)
        services = cast(Services, SimpleNamespace(trials=self.trials, totals=totals))
        self.loop.offer(services, self.trialing.serving)
        self.training = cast(TrainingApi, services.training)
        self.models = cast(ModelsApi, services.models)

        def configure(changed: Any) -> None:
            self.loop.configure(changed)
            self.trialing.configure(changed)

        self.control.on_change = configure

    async def version_id(self) -> str:
        """A version of the dataset det with one image."""
        await add_items(self.folder, self.store, 1)
        await self.loop.review.confirm("i0", "ann")
        return str((await self.loop.versions.create("det", None, "one", "ann"))["id"])

    async def trained(self, version_id: str, version: str, base: str = "det@1", url: str = "http://t:1") -> Job:
        """A job that people saw to, which made ``version``, served at ``url`` ("": nobody knows where)."""
        made = await self.training.create("night", "det", version_id, base, "away", "ann")
        upstream = Upstream(url) if url else None
        return await self.loop._training.report(made["id"], Report("succeeded", Result(version, {}, upstream)))

    async def damage(self) -> None:
        """The store's file breaks: the next use of it sets it aside."""
        await self.store._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        with store_path(self.folder).open("r+b") as file:
            file.write(os.urandom(os.fstat(file.fileno()).st_size))
        await self.store._connection.execute("PRAGMA shrink_memory")


@asynccontextmanager
async def living(folder: Path) -> AsyncIterator[Life]:
    """From a start to an end; the next one takes up what it left."""
    store, reader = await Store.open(folder), await Reader.open(folder)
    life = Life(folder, store, reader)
    try:
        await life.trialing.restore()
        await life.watching.restore()
        await life.loop.restore()
        yield life
    finally:
        await life.watching.close()
        await life.loop.keeper.close()
        await reader.close()
        await store.close()


def without_dataset(sample: Any) -> Any:
    """As an earlier release kept it."""
    return replace(sample, dataset_id="", checksum="", audit_rank=0.0)


def lose_store(folder: Path) -> None:
    """Its file is gone, with all that belongs to it."""
    for path in folder.glob(store_path(folder).name + "*"):
        path.unlink()
