"""Jobs of trainers elsewhere, and of people: handed over, waited for, reported on."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sidecar.training import ReportRefused, TrainingClash, TrainingFault, TrainingMissing, WebhookTrainer
from sidecar.training.signing import signed_headers
from tests.kit.alert_receivers import HttpReceiver, Posted
from tests.training.jobs_at_hand import SECRET, Live, Place

NOW = 1_764_000_000.0


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    receiver = HttpReceiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


def webhook(receiver: HttpReceiver, secret: str = SECRET, **settings: Any) -> WebhookTrainer:
    return WebhookTrainer("cloud", receiver.url + "/jobs", secret, **settings)


def verified(posted: Posted, key: bytes) -> bool:
    """The receiver's side of Standard Webhooks, by the standard library alone."""
    headers = posted.headers
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), posted.body))
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return hmac.compare_digest(headers["webhook-signature"], expected)


async def reported(live: Live, job_id: str, secret: str = SECRET, now: float = NOW, **fields: Any) -> Any:
    body = json.dumps({"job_id": job_id, **fields}).encode()
    return await live.training.take_report(job_id, signed_headers(secret, "r1", now, body), body, trusted=False)


async def refusal(live: Live, job_id: str, headers: dict[str, str], body: bytes) -> str:
    """What a report that is refused is answered."""
    with pytest.raises(ReportRefused) as caught:
        await live.training.take_report(job_id, headers, body, trusted=False)
    return str(caught.value)


async def test_trainer_elsewhere_is_handed_the_job_and_reports_back(place: Place, receiver: HttpReceiver) -> None:
    """It is told, signed, where the dataset is and where to report; its success registers a version."""
    trainer = webhook(receiver, format="yolo", time_limit_s=7_200.0)
    async with place.training(trainer, clock=lambda: NOW, link="https://sidecar.example") as live:
        job = await live.reaches(await live.create(), "waiting")
        (posted,) = receiver.posted
        assert verified(posted, SECRET.encode())
        assert posted.headers["webhook-id"] == f"training.requested-{job.job_id}"
        assert json.loads(posted.body) == {
            "type": "training.requested",
            "timestamp": "2025-11-24T16:00:00Z",
            "data": {
                **{"job_id": job.job_id, "name": "night", "dataset_id": "birds", "version_id": "v1"},
                **{"base_model_id": "det@2", "format": "yolo", "time_limit_s": 7_200.0},
                "export_path": "/api/v1/dataset-versions/v1/export?format=yolo",
                "report_path": f"/api/v1/training-jobs/{job.job_id}/report",
                "api": "https://sidecar.example",
            },
        }
        running = await reported(live, job.job_id, status="running", progress=0.5, metrics={"loss": 2})
        assert (running.status, running.progress, running.metrics) == ("waiting", 0.5, {"loss": 2.0})
        upstream = {"url": "http://triton:8000", "path": "/v9"}
        done = await reported(live, job.job_id, status="succeeded", version="9", metrics={"a": 1}, upstream=upstream)
        assert (done.status, done.model_version_id, done.metrics, done.note) == ("succeeded", "det@9", {"a": 1.0}, "")
        assert place.told[0].document["upstream"] == upstream
        assert place.told[0].document["output"] is None
        again = await reported(live, job.job_id, status="succeeded", version="9")
        assert again == done
        with pytest.raises(TrainingClash, match="a job that is succeeded can't be said to be failed"):
            await reported(live, job.job_id, status="failed")
    assert len(place.told) == 1
    assert live.training.figures.reports == {"taken": 2, "repeated": 1}


async def test_hand_over_is_repeated_under_the_same_id(place: Place, receiver: HttpReceiver) -> None:
    """Until the trainer takes it: errors, lost connections and a busy trainer are not the end."""
    receiver.script.extend([500, "cut", (429, {"Retry-After": "0"})])
    async with place.training(webhook(receiver)) as live:
        await live.reaches(await live.create(), "waiting")
    assert len(receiver.posted) == 4
    assert len({posted.headers["webhook-id"] for posted in receiver.posted}) == 1
    assert all(verified(posted, SECRET.encode()) for posted in receiver.posted)
    assert live.training.figures.hand_overs == {"failed": 3, "sent": 1}


@pytest.mark.parametrize(("answer", "tries"), [(400, 3), ((302, {"Location": "http://127.0.0.1:1/"}), 3)])
async def test_trainer_that_refuses_fails_the_job(
    place: Place, receiver: HttpReceiver, answer: Any, tries: int
) -> None:
    """A few refusals are enough, and a redirect, which is never followed, is one."""
    receiver.always = answer
    async with place.training(webhook(receiver)) as live:
        job = await live.ended(await live.create())
    status = answer if isinstance(answer, int) else answer[0]
    assert job.status == "failed"
    assert job.error == f"the trainer did not take the job: 127.0.0.1 answered {status}, after {tries} tries"
    assert len(receiver.posted) == tries


async def test_hand_over_goes_on_after_a_restart(place: Place, receiver: HttpReceiver) -> None:
    """What no trainer has taken yet is handed to it by the next monitor; what one has is not."""
    receiver.always = 503
    trainer = webhook(receiver)
    async with place.training(trainer) as live:
        job = await live.create()
        async with asyncio.timeout(30):
            while not receiver.posted:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await live.training.job(job.job_id)).status == "queued"
    receiver.always = 200
    async with place.training(trainer) as live:
        await live.reaches(job, "waiting")
    seen = len(receiver.posted)
    async with place.training(trainer) as live:
        assert (
            await reported(live, job.job_id, now=live.training._clock(), status="failed", error="no GPU")
        ).error == ("no GPU")
    assert len(receiver.posted) == seen


async def test_report_that_overtakes_the_answer_is_taken(place: Place, receiver: HttpReceiver) -> None:
    """A trainer may report before its own answer to the hand-over has come."""
    receiver.always = "slow"
    async with place.training(webhook(receiver), clock=lambda: NOW) as live:
        job = await live.create()
        async with asyncio.timeout(30):
            while not receiver.posted:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await reported(live, job.job_id, status="succeeded")).status == "succeeded"
        receiver.released.set()
        await asyncio.sleep(0.05)
        assert (await live.training.job(job.job_id)).status == "succeeded"


@pytest.mark.parametrize("late", ["time_limit", "cancel"])
async def test_job_that_need_not_go_on_is_said_to_its_trainer(place: Place, receiver: HttpReceiver, late: str) -> None:
    """When its time is over, and when a person cancels it; what is reported after that is refused."""
    async with place.training(webhook(receiver, time_limit_s=0.1 if late == "time_limit" else 600.0)) as live:
        job = await live.create()
        if late == "cancel":
            await live.reaches(job, "waiting")
            assert (await live.training.cancel(job.job_id, by="ann")).cancelled_by == "ann"
        ended = await live.ended(job)
        async with asyncio.timeout(30):
            while len(receiver.posted) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        with pytest.raises(TrainingClash):
            await reported(live, job.job_id, now=live.training._clock(), status="succeeded")
    assert ended.status == ("timed_out" if late == "time_limit" else "cancelled")
    assert ended.error == ("no report that it ended came within 0.1s" if late == "time_limit" else "")
    told = json.loads(receiver.posted[1].body)
    assert (told["type"], told["data"]["job_id"]) == ("training.cancelled", job.job_id)


async def test_forged_old_and_borrowed_reports_are_refused(place: Place, receiver: HttpReceiver) -> None:
    """Without the secret, with a changed body, minutes late or early, or signed for another job."""
    async with place.training(webhook(receiver), clock=lambda: NOW) as live:
        job = await live.reaches(await live.create(), "waiting")
        take = live.training.take_report
        body = json.dumps({"job_id": job.job_id, "status": "succeeded"}).encode()
        good = signed_headers(SECRET, "r1", NOW, body)
        forged = [
            ({}, body),
            (signed_headers("another secret, as long as needed", "r1", NOW, body), body),
            (good, body.replace(b"succeeded", b"failed")),
            ({**good, "webhook-id": "r2"}, body),
            ({**good, "webhook-timestamp": str(int(NOW) + 1)}, body),
            ({**good, "webhook-timestamp": "soon"}, body),
            (signed_headers(SECRET, "r1", NOW - 301, body), body),
            (signed_headers(SECRET, "r1", NOW + 301, body), body),
            ({**good, "webhook-signature": "v1,\udcff"}, body),
        ]
        for headers, content in forged:
            with pytest.raises(ReportRefused):
                await take(job.job_id, headers, content, trusted=False)
        told = [await refusal(live, of, forged[1][0], body) for of in ("unknown", job.job_id)]
        assert told[0] == told[1]  # who has no secret does not learn which jobs there are
        other = await live.reaches(await live.create(), "waiting")
        with pytest.raises(TrainingFault, match=f"job_id: must be '{other.job_id}'"):
            await take(other.job_id, good, body, trusted=False)
        assert {(await live.training.job(item.job_id)).status for item in (job, other)} == {"waiting"}
        assert live.training.figures.reports == {"refused": len(forged) + 2}
        named = {name.title(): value for name, value in good.items()} | {
            "Webhook-Signature": f"v1a,unknown {good['webhook-signature']}"
        }
        assert (await take(job.job_id, named, body, trusted=False)).status == "succeeded"


async def test_people_report_on_what_was_left_to_them(place: Place) -> None:
    """Without a trainer the dataset is exported and the job waits for somebody with the admin token."""
    async with place.training() as live:
        job = await live.reaches(await live.create(), "waiting")
        assert (job.kind, job.trainer, place.exports) == ("manual", "", [("v1", "coco")])
        assert place.folder(job).dataset.is_dir()
        with pytest.raises(ReportRefused):
            await live.training.take_report(job.job_id, {}, b'{"status": "succeeded"}', trusted=False)
        with pytest.raises(TrainingMissing):
            await live.training.take_report("unknown", {}, b'{"status": "succeeded"}', trusted=True)
        body = b'{"status": "succeeded", "metrics": {"map50": 0.5}}'
        done = await live.training.take_report(job.job_id, {}, body, trusted=True)
        await live.tidied()
    assert (done.status, done.model_version_id) == ("succeeded", "det@3")


async def test_job_whose_trainer_is_gone_from_the_configuration_waits_for_people(
    place: Place, receiver: HttpReceiver
) -> None:
    """Nobody can sign a report any more, but the admin token's word counts."""
    async with place.training(webhook(receiver), clock=lambda: NOW) as live:
        job = await live.reaches(await live.create(), "waiting")
        live.training.configure([])
        with pytest.raises(ReportRefused):
            await reported(live, job.job_id, status="succeeded")
        body = b'{"status": "failed", "error": "the cloud is closed"}'
        assert (await live.training.take_report(job.job_id, {}, body, trusted=True)).status == "failed"
