"""Handing a job to a trainer elsewhere: a signed POST, repeated until it is taken or given up.

    {"type": "training.requested",                       or training.cancelled: it need not go on
     "timestamp": "2026-11-25T03:00:00Z",
     "data": {"job_id": "...", "name": "...", "dataset_id": "...", "version_id": "...", "base_model_id": "det@2",
              "format": "coco", "time_limit_s": 86400.0,
              "export_path": "/api/v1/dataset-versions/VERSION/export?format=coco",
              "report_path": "/api/v1/training-jobs/JOB/report",
              "api": "https://sidecar.example:8081"}}     null where the sidecar does not know its own address

Headers are those of ``signing``; ``webhook-id`` is the same in every attempt, so a trainer that is told twice (an
answer was lost) can tell. Any 2xx takes the job. The address is the operator's own word, from the configuration, and
may well be a private one; whoever creates a job can only name a trainer. So no address is refused, but none is led
elsewhere: redirects, proxies and cookies are left alone.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import aiohttp
import structlog

from sidecar.retrying import backoff_s, retry_after_s
from sidecar.training.job import Job
from sidecar.training.settings import WebhookTrainer
from sidecar.training.signing import signed_headers

log = structlog.get_logger()

TIMEOUT_S = 20.0
CONNECT_TIMEOUT_S = 10.0
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 300.0
TRIES_MAX = 30
"""About an hour and a half with the waits between."""
REFUSALS_MAX = 3
"""Answers 4xx after which it is given up: the trainer does not want the job."""
CANCEL_TRIES_MAX = 3
PASSING = (408, 425, 429)
"""Refusals that pass."""
Type = Literal["training.requested", "training.cancelled"]


class HandOverError(Exception):
    """The job was not taken; str says why, and names of the address only its host."""

    def __init__(self, reason: str, refused: bool = False, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.refused = refused
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class HandOvers:
    """Sends them. ``counts``: sent, failed (attempts), gave_up. ``first_s`` is the wait after a first failure."""

    clock: Callable[[], float]
    link: str = ""
    first_s: float = RETRY_FIRST_S
    rng: random.Random = field(default_factory=random.Random)
    counts: Counter[str] = field(default_factory=Counter)

    async def deliver(self, trainer: WebhookTrainer, job: Job, kind: Type, tries_max: int = TRIES_MAX) -> None:
        """Until it is taken. Raises HandOverError where it is given up."""
        refusals = 0
        for number in range(1, tries_max + 1):
            try:
                await self._post(trainer, job, kind)
                self.counts["sent"] += 1
                return
            except HandOverError as error:
                self.counts["failed"] += 1
                refusals += error.refused
                log.warning("job_not_handed_over", job=job.job_id, trainer=trainer.name, tries=number, error=str(error))
                if number == tries_max or refusals >= REFUSALS_MAX:
                    self.counts["gave_up"] += 1
                    raise HandOverError(f"{error}, after {number} tries", error.refused) from None
                wait_s = backoff_s(number, self.first_s, RETRY_MAX_S, self.rng.random())
                await asyncio.sleep(max(wait_s, error.retry_after_s))

    async def _post(self, trainer: WebhookTrainer, job: Job, kind: Type) -> None:
        now = self.clock()
        body = json.dumps(self._document(trainer, job, kind, now), allow_nan=False).encode()
        try:
            headers = signed_headers(trainer.secret, f"{kind}-{job.job_id}", now, body)
        except ValueError as error:
            raise HandOverError(f"trainer {trainer.name}: {error}", refused=True) from None
        headers |= {"Content-Type": "application/json", "User-Agent": "inference-sidecar"}
        shown = urlsplit(trainer.url).hostname or trainer.name
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(force_close=True, limit=1),
                    timeout=aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    trust_env=False,
                ) as session,
                session.post(trainer.url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                status, later = response.status, response.headers.get("Retry-After", "")
        except TimeoutError:
            raise HandOverError(f"{shown} did not answer within {TIMEOUT_S:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:  # by kind: its text may hold the whole address
            raise HandOverError(f"{shown} can't be reached ({type(error).__name__})") from None
        if not 200 <= status < 300:
            refused = 300 <= status < 500 and status not in PASSING
            raise HandOverError(f"{shown} answered {status}", refused, retry_after_s(later, now, RETRY_MAX_S))

    def _document(self, trainer: WebhookTrainer, job: Job, kind: Type, now: float) -> dict[str, Any]:
        return {
            "type": kind,
            "timestamp": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "data": {
                "job_id": job.job_id,
                "name": job.name,
                "dataset_id": job.dataset_id,
                "version_id": job.version_id,
                "base_model_id": job.base_model_id,
                "format": trainer.format,
                "time_limit_s": trainer.time_limit_s,
                "export_path": f"/api/v1/dataset-versions/{quote(job.version_id, '')}/export?format={trainer.format}",
                "report_path": f"/api/v1/training-jobs/{quote(job.job_id, '')}/report",
                "api": self.link or None,
            },
        }
