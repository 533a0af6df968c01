"""The improvement loop, once around, by itself: ``sidecar demo --loop``.

Night falls, confidence drops, an alert fires, the data engine keeps images, a simulated reviewer labels them, a version
of the dataset is frozen, the trainer makes a new version of the model, an A/B test shows it digits that nobody saw
before, and it is promoted if it surely wins. All of it over the sidecar's API, as any client could do it; only the
scenes come from the demo's own traffic, which is told what to show.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sidecar.client import AsyncClient, NotEnded, Records, SidecarError
from sidecar.client.records import Alert, DatasetVersion, RecordedVersion, TrainingJob
from sidecar.demo.loop_review import Reviewer, TruthFile
from sidecar.demo.loop_step import Say, StepFailed, all_of, percent, until
from sidecar.demo.loop_trial import CONFIG, Contest
from sidecar.demo.stage import FALL_S

MODEL, FIRST = "digits", "digits@1"
DATASET = "digits"
"""What images of the model go to by themselves."""
TRAFFIC = ("--light", "day", "--kinds", "short", "--pool", "collection", "--models", MODEL)
"""How the traffic begins: of the A/B test's digits it shows none before that."""
RATE, CONTEST_RATE = 20.0, 30.0
COLLECT = {"low_confidence": {"threshold": 0.6, "sample_rate": 0.5}, "random_sample": {"rate": 0.1}}
AUDIT = {"random_sample": {"rate": 0.5}}
AFTER = {
    "low_confidence": {"threshold": 0.6, "sample_rate": 0.05, "limits": {"per_minute": 10}},
    "random_sample": {"rate": 0.01},
}
"""What is kept in the audit would fill a disk in a day."""
CONFIDENT = 0.8
CONDITION = {"metric": "avg_confidence", "operator": "lt", "threshold": CONFIDENT, "window": "10s"}
DAY_S = 15.0
DAY_IMAGES = 60
LABELED = 120
"""Images of the night that are labeled before the dataset is frozen; those of the day come on top."""
REVIEWERS = ("reviewer 1", "reviewer 2")
LOOP_S = 165.0
"""The A/B test ends with what it has by then; the rest is over in seconds."""
START_WITHIN_S, DAY_WITHIN_S, ALERT_WITHIN_S = 90.0, 90.0, 120.0
REVIEW_WITHIN_S, TRAIN_WITHIN_S = 120.0, 120.0
"""A machine that is not busy takes a sixth of that for each."""
STOP_S = 4.0


@dataclass(slots=True)
class Loop:
    """``tell`` orders the traffic, ``truth`` is where it says what it showed. ``began`` is on the monotonic clock."""

    client: AsyncClient
    truth: TruthFile
    tell: Callable[[str], None]
    say: Say
    began: float
    reviewers: list[Reviewer] = field(init=False)

    def __post_init__(self) -> None:
        self.reviewers = [Reviewer(self.client, DATASET, self.truth, by) for by in REVIEWERS]

    async def run(self) -> bool:
        """Once around; True if the new version was promoted. Raises StepFailed, SidecarError."""
        alert_id, day_at = await self._day()
        night_at = await self._night(alert_id)
        await self._review(day_at, night_at)
        job = await self._train(await self._freeze())
        return await self._compare(job)

    async def _day(self) -> tuple[str, float]:
        """(the alert's id, when the traffic had begun)."""

        async def there() -> Records[RecordedVersion] | None:
            models = (await self.client.model_figures()).recorded
            return models if any(one.model == MODEL for one in models) else None

        await until(there, START_WITHIN_S, lambda: "no prediction is recorded", poll_s=0.2)
        await self.client.configure_data_engine(MODEL, COLLECT)
        day_at = time.time()
        alert = await self.client.create_alert(MODEL, "Unsure", CONDITION)
        self.say("day", f"{RATE:g} scenes a second; kept: low confidence under 0.6 at 50 %, 10 % at random")
        last = alert

        async def sure() -> Alert | None:
            nonlocal last
            last = await self.client.get_alert(alert.id)
            full = last.value is not None and (last.samples or 0) >= DAY_IMAGES
            return last if full and time.time() - day_at >= DAY_S else None

        await until(sure, DAY_WITHIN_S, lambda: f"the day was too short to judge ({last.samples or 0} images)")
        if last.state != "inactive":
            raise StepFailed(f"the alert should be quiet by day, it is {last.state}: {last.sentence}")
        self.say("day", f"average confidence {last.value:.2f}, the alert at {CONFIDENT:g} is quiet")
        return alert.id, day_at

    async def _night(self, alert_id: str) -> float:
        """When it was dark."""
        self.tell("night")
        fell_at = time.time()
        self.say("night", "falls: less light, more noise, out of focus")
        last = await self.client.get_alert(alert_id)

        async def fired() -> Alert | None:
            nonlocal last
            last = await self.client.get_alert(alert_id)
            return last if last.state == "firing" else None

        await until(fired, ALERT_WITHIN_S, lambda: f"no alert fired: {last.sentence}")
        self.say("night", f"average confidence fell to {last.value:.2f} in {time.time() - fell_at:.0f} s")
        self.say("alert", f"fires: {last.sentence}")
        return fell_at + FALL_S

    async def _review(self, day_at: float, night_at: float) -> None:
        begun = time.monotonic()
        by_night = 0

        async def work(reviewer: Reviewer) -> None:
            nonlocal by_night
            while by_night < LABELED:
                item = await reviewer.next("audit") or await reviewer.next("value")
                if item is None:
                    await asyncio.sleep(0.2)
                elif item.status == "labeled":
                    by_night += item.at >= night_at

        try:
            async with asyncio.timeout(REVIEW_WITHIN_S):
                await all_of(map(work, self.reviewers))
        except TimeoutError:
            raise StepFailed(
                f"{by_night} of {LABELED} images of the night were labeled (after {REVIEW_WITHIN_S:g} s)"
            ) from None
        engine = await self.client.data_engine(MODEL)
        kept = ", ".join(f"{n} {rule}" for rule, n in engine.kept_last_day.items() if n)
        dataset = await self.client.dataset(DATASET)
        self.say("kept", f"{dataset['items']} images in the dataset {DATASET} ({kept})")
        verdicts = sum((reviewer.verdicts for reviewer in self.reviewers), Counter[str]())
        told = ", ".join(f"{n} {verdict}" for verdict, n in verdicts.most_common())
        boxes = sum(reviewer.boxes for reviewer in self.reviewers)
        self.say(
            "review",
            f"{verdicts.total()} labeled, {by_night} of the night, {boxes} boxes, in "
            f"{time.monotonic() - begun:.0f} s: {told}",
        )
        for name, since, until_at in (("day", day_at, night_at - FALL_S), ("night", night_at, time.time())):
            score = (await self.client.feedback_report(FIRST, since=since, until=until_at)).score
            self.say(
                "review",
                f"{FIRST} by {name}: {percent(score.value)} of images right ({percent(score.lower)} to "
                f"{percent(score.upper)}; {score.n} of the random sample)",
            )

    async def _freeze(self) -> DatasetVersion:
        version = await self.client.create_dataset_version(DATASET, name="night", by=REVIEWERS[0])
        counts = version.counts
        splits = ", ".join(f"{name} {split.images}" for name, split in counts.splits.items())
        self.say("version", f"{version.id}: {version['items']} images, {counts.boxes} boxes; {splits}")
        return version

    async def _train(self, version: DatasetVersion) -> TrainingJob:
        begun = time.monotonic()
        try:
            job = await self.client.create_training_job("Digits by night", DATASET, version.id, FIRST)
            job = await self.client.wait_for_training_job(job.id, timeout_s=TRAIN_WITHIN_S, poll_s=0.3)
        except NotEnded:
            await self._cancel_jobs()
            raise StepFailed(f"the training had not ended (after {TRAIN_WITHIN_S:g} s)") from None
        except asyncio.CancelledError:
            await self._cancel_jobs()
            raise
        if job.status != "succeeded" or not job.model_version_id:
            log = (await self.client.training_job_log(job.id)).strip()
            raise StepFailed(f"the training {job.status}: {job.error} {log[-500:]}")
        found = job.metrics
        self.say(
            "training",
            f"{job.model_version_id} in {time.monotonic() - begun:.1f} s, on {found.train_images:.0f} images; of "
            f"{found.images:.0f} held out {percent(found.accuracy)} right ({FIRST}: {percent(found.base_accuracy)}), "
            f"F1 {found.f1:.2f} ({found.base_f1:.2f})",
        )
        return job

    async def _cancel_jobs(self) -> None:
        """A trainer outlives the sidecar unless it is told; it must not outlive the demo."""
        try:
            async with asyncio.timeout(STOP_S):
                for job in await self.client.training_jobs():
                    if job.ended_at is None:
                        await self.client.cancel_training_job(job.id, by="demo")
                        await self.client.wait_for_training_job(job.id, timeout_s=STOP_S, poll_s=0.1)
        except (TimeoutError, SidecarError) as error:
            self.say("training", f"could not be cancelled: {error!r}")

    async def _compare(self, job: TrainingJob) -> bool:
        await self.client.configure_data_engine(MODEL, AUDIT)
        self.tell("pool traffic")
        self.tell(f"rate {CONTEST_RATE:g}")
        await asyncio.sleep(1)  # scenes of the old digits are on their way
        job = await self.client.deploy_training_job(job.id, kind="ab", name="Night version", config=CONFIG)
        new = str(job.model_version_id)
        self.say(
            "A/B test",
            f"{job.test_id}: {FIRST} against {new}, half of the scenes each, digits that neither saw; half of all "
            "images are drawn for the audit, in which reviewers do not see whose answer it is",
        )
        contest = Contest(self.client, self.reviewers, self.say, MODEL, FIRST, new, str(job.test_id))
        results = await contest.decided(self.began + LOOP_S)
        await self.client.configure_data_engine(MODEL, AFTER)
        return await contest.end(results)


async def play(admin_url: str, truth: Path, tell: Callable[[str], None], say: Say, began: float) -> int:
    """Once around, at the sidecar whose admin port is ``admin_url``: the exit code, 1 where a step did not come true.

    That the new version is not surely better is no failure.
    """
    async with AsyncClient(admin_url) as client:
        try:
            await Loop(client, TruthFile(truth), tell, say, began).run()
        except StepFailed as failed:
            say("failed", str(failed))
            return 1
        except SidecarError as error:
            say("failed", f"{type(error).__name__}: {error}")
            return 1
        except asyncio.CancelledError:
            say("stopped", "before its end")
            raise
    return 0
