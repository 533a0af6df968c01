"""Waiting for a training job, and following what it writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sidecar.cli.progress import errors
from sidecar.cli.tables import text
from sidecar.cli.text import clean

if TYPE_CHECKING:
    from sidecar.client import Client
    from sidecar.client.records import TrainingJob

T = TypeVar("T")

POLL_S = 1.0
RESTART_S_MAX = 120.0
"""How long a sidecar may be away meanwhile: jobs survive its restart."""
OVERLAP_CHARACTERS = 4_000
"""The end of what was shown, by which the rest is found in a log of which only the end is given."""
LEFT_OUT = "[...]\n"


def until_ended(client: Client, job_id: str) -> TrainingJob:
    """The job once it has ended. Raises SidecarError; where the person gives up, the job goes on."""
    try:
        with errors().status("") as shown:
            while True:
                job = _patiently(lambda: client.training_job(job_id))
                if job.ended_at is not None:
                    return job
                far = "" if job.progress is None else f", {100 * job.progress:.0f} %"
                shown.update(text(f"{job.status}{far}"))
                time.sleep(POLL_S)
    except KeyboardInterrupt:
        errors().print(text(f"the job goes on: `sidecar train show {job_id}`"), soft_wrap=True)
        raise SystemExit(130) from None


def followed_log(client: Client, job_id: str) -> None:
    """Print what the job wrote and writes, whole lines, until it has ended. Raises SidecarError."""
    shown = ""
    try:
        while True:
            job = _patiently(lambda: client.training_job(job_id))
            written = _patiently(lambda: client.training_job_log(job_id))
            if job.ended_at is None:  # the last line may be half written
                written = written[: written.rfind("\n") + 1]
            print(plain(new_part(shown, written)), end="", flush=True)
            shown = written or shown
            if job.ended_at is not None:
                return
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def new_part(shown: str, text: str) -> str:
    """What of ``text`` was not ``shown`` yet; both are ends of one growing log.

    >>> new_part("a\\nb\\n", "a\\nb\\nc\\n"), new_part("a\\n", "y\\nz\\n")
    ('c\\n', '[...]\\ny\\nz\\n')
    >>> end = "".join(map(str, range(OVERLAP_CHARACTERS)))
    >>> new_part(f"begin {end}", f"{end} and more")
    ' and more'
    """
    if text.startswith(shown):
        return text[len(shown) :]
    end = shown[-OVERLAP_CHARACTERS:]
    place = text.rfind(end) if len(end) == OVERLAP_CHARACTERS else -1  # a few characters may stand anywhere
    return text[place + len(end) :] if place >= 0 else LEFT_OUT + text


def plain(text: str) -> str:
    """A log without what would move the cursor: a line that was written over becomes several.

    >>> plain("epoch 1\\repoch 2\\n\\tdone\\x1b[0m")
    'epoch 1\\nepoch 2\\n        done?[0m\\n'
    """
    return "".join(f"{clean(line.expandtabs())}\n" for line in text.splitlines())


def _patiently(ask: Callable[[], T]) -> T:
    """What ``ask`` gives; a sidecar that restarts meanwhile is waited for. Raises ConnectionFailed where it stays
    away."""
    from sidecar.client import ConnectionFailed

    until = time.monotonic() + RESTART_S_MAX
    while True:
        try:
            return ask()
        except ConnectionFailed:
            if time.monotonic() >= until:
                raise
            time.sleep(POLL_S)
