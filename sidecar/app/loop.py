"""The improvement loop, put together: images chosen, kept, reviewed, made into versions, trained on; and feedback."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from sidecar.api.services import Services
from sidecar.api.submissions import answer_feedback
from sidecar.app.config import Config
from sidecar.app.control import Control
from sidecar.app.data_engines_api import DataEnginesApi, engines_of
from sidecar.app.feedback_api import FeedbackApi
from sidecar.app.known_models import KnownModels
from sidecar.app.models_api import ModelsApi, images_of
from sidecar.app.registered import versions_in_use, versions_of
from sidecar.app.review_api import ReviewApi
from sidecar.app.training_api import TrainingApi, register, remembered
from sidecar.app.training_config import trainers_of
from sidecar.app.versions_api import VersionsApi
from sidecar.data_engine import DataEngine, ImageProcess, SampleKeeper, Thumbnails, dataset_slug
from sidecar.recording import (
    Datasets,
    FeedbackBook,
    Full,
    Items,
    Jobs,
    ModelVersions,
    Reader,
    Store,
    StoreError,
    Versions,
)
from sidecar.training import Trainer, Training
from sidecar.types import Prediction

log = structlog.get_logger()

HISTORY_PREDICTIONS = 5_000
"""Of the latest, what a class looks like is learnt anew after a start."""
PAGE = 1_000
DAY_S = 86_400.0
COUNT_ITEMS_EVERY_S = 30.0
LOOK_AFTER_EVERY_S = 2.0
BUDGET_SHARE = 0.9
"""What of the byte budget images may fill that are never evicted (labeled ones, those in versions) before no new image
is kept."""


class Loop:
    """Over an open store. Run each of ``parts()`` as a task after ``restore``; ``keeper`` and ``feedback.verdicts``
    belong into the pipeline."""

    def __init__(
        self,
        config: Config,
        store: Store,
        reader: Reader,
        control: Control,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._store = store
        self._reader = reader
        self._control = control
        self._clock = clock
        self._generation = store.generation
        self._datasets = Datasets(store)
        items, versions = Items(store), Versions(store)
        self._jobs, self._models = Jobs(store), ModelVersions(store)
        self.known = KnownModels(reader, self._models, control)
        self.engine = DataEngine(engines_of(config, control.state))
        process = ImageProcess()
        self.keeper = SampleKeeper(config.data_dir, store, process, engine=self.engine, room=self._has_room)
        self.thumbnails = Thumbnails(process)
        self.feedback = FeedbackApi(FeedbackBook(store), reader, clock, self.known.pairs)
        self.review = ReviewApi(self._datasets, items, reader, clock)
        self.versions = VersionsApi(self._datasets, items, versions, reader, config.data_dir, clock)
        self._training = Training(
            self._jobs,
            self._models,
            config.data_dir,
            self._trainers(config),
            version=versions.get,
            export=self.versions.export_to,
            registered=functools.partial(register, control),
            served=self._versions_of,
            in_use=lambda: versions_in_use(control.config, control.state),
            base=self.known.base,
            link=config.notify.link,
        )
        self.data_engines = DataEnginesApi(self.engine, control, self._datasets, self.known.pairs, clock)

    def offer(self, services: Services, serving: Callable[[str], str]) -> None:
        """Give the API what it asks of the loop; ``serving`` says which version of a model serves."""
        services.data_engines = self.data_engines
        services.feedback = self.feedback
        services.review = self.review
        services.thumbnails = self.thumbnails
        services.dataset_versions = self.versions
        services.models = ModelsApi(
            self.known,
            self._models,
            self._control,
            self._training,
            lambda: images_of(services.totals.summaries()),
            self._clock,
        )
        services.training = TrainingApi(
            self._training, self._jobs, self._models, self._control, services.trials, serving
        )

    async def answer_feedback(self, content: bytes) -> tuple[int, str, bytes]:
        """Status, media type and body for what came on the data port."""
        return await answer_feedback(self.feedback, content, self._clock())

    async def restore(self) -> None:
        """Take up what a former life left. Raises StoreError."""
        await self.versions.clear()
        await self.feedback.restore()
        await self._remember()
        await self._training.restore()
        now = self._clock()
        predictions = await self._latest()
        samples = []
        cursor = None
        while True:
            page = await self._reader.samples(before=cursor, limit=PAGE)
            samples += [sample for sample in page.items if sample.at >= now - DAY_S]
            cursor = page.next
            if cursor is None or page.items[-1].at < now - DAY_S:
                break
        await asyncio.to_thread(self.engine.restore, predictions[::-1], samples[::-1])
        for model, _ in await self._reader.models():
            await self._adopt(model)

    def configure(self, config: Config) -> None:
        """A new configuration, or rules of a model that a person set."""
        self._config = config
        self.engine.configure(engines_of(config, self._control.state))
        self._training.configure(self._trainers(config), config.notify.link)

    def parts(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        """What has to run, by name; none of them ends by itself."""
        return (
            ("samples", self.keeper.run),
            ("feedback", self.feedback.run),
            ("training", self._training.run),
            ("items", self._count_items),
            ("begun anew", self._look_after),
        )

    async def look_after(self) -> None:
        """Where the store was begun anew since the last time, put into it what is known without it. Raises
        StoreError."""
        generation = self._store.generation
        if generation != self._generation:
            await self._training.reinstate()
            await self._remember()
            self._generation = generation

    async def _look_after(self) -> None:
        while True:
            try:
                await self.look_after()
            except StoreError as error:
                log.error("loop_not_reinstated", reason=error.reason)
            await asyncio.sleep(LOOK_AFTER_EVERY_S)

    async def _remember(self) -> None:
        """What the settings tell of is in the store: the datasets that images go to, and the trained versions that are
        served. Raises StoreError."""
        state, now = self._control.state, self._clock()
        try:
            for engine in state.engines.values():
                if engine.dataset_id:
                    await self._datasets.ensure(engine.dataset_id, engine.dataset_id, now)
            for item in state.registered:
                if await self._models.get(item.model, item.version) is None:
                    await self._models.put(remembered(item, now))
        except Full as full:
            log.error("loop_not_remembered", reason=full.message)

    async def _adopt(self, model: str) -> None:
        """Images that an earlier release kept become items of the model's own dataset."""
        dataset_id = dataset_slug(model)
        if await self._datasets.adopt(model, dataset_id):
            await self._datasets.ensure(dataset_id, model, self._clock())

    async def _latest(self) -> list[Prediction]:
        found: list[Prediction] = []
        cursor = None
        while len(found) < HISTORY_PREDICTIONS:
            page = await self._reader.predictions(before=cursor, limit=PAGE)
            found += page.items
            cursor = page.next
            if cursor is None:
                break
        return found

    async def _count_items(self) -> None:
        while True:
            try:
                await self.review.count()
            except StoreError as error:
                log.error("items_not_counted", reason=error.reason)
            await asyncio.sleep(COUNT_ITEMS_EVERY_S)

    async def _versions_of(self, model: str) -> Iterable[str]:
        known = {version for of, version in await self._reader.models() if of == model}
        return known | versions_of(model, self._control.config.upstreams)

    def _trainers(self, config: Config) -> Sequence[Trainer]:
        trainers, left_out = trainers_of(config.trainers)
        for reason in left_out:
            log.error("trainer_left_out", reason=reason)
        return trainers

    def _has_room(self) -> bool:
        return self._store.health.kept_bytes < self._config.retention.bytes_max * BUDGET_SHARE
