"""The keeper of a command: what it ends, what it keeps of the output, and that it outlives whoever started it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.recording import Store
from sidecar.training import CommandTrainer
from sidecar.training.folders import JobFolder
from sidecar.training.keeper import LOG_BYTES_MAX, Log
from sidecar.training.runner import Order, kill_left, read_end, start_keeper
from tests.training.jobs_at_hand import Place, python, script

FAMILY = "sleep 600 & echo $! > $1/child; setsid sleep 600 & echo $! > $1/daemon; echo ready; "
DEAF = "trap '' TERM; "


def pid_in(file: Path) -> int:
    return int(file.read_text())


def touch(*paths: str) -> None:
    for path in paths:
        Path(path).touch()


def lives(pid: int) -> bool:
    """Whether a process does anything; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("deaf", ["", DEAF])
async def test_cancel_ends_the_command_with_all_it_started(place: Place, deaf: str) -> None:
    """Children in its group, one that left for a session of its own, and those that ignore SIGTERM."""
    async with place.training(script(f"{deaf}{FAMILY} wait; sleep 600", grace_s=0.2)) as live:
        job = await live.create()
        await live.logs(job, "ready")
        output = place.folder(job).output
        pids = [pid_in(output / "child"), pid_in(output / "daemon")]
        assert all(map(lives, pids))
        asked = await live.training.cancel(job.job_id, by="ann")
        assert (asked.status, asked.cancelled_by) == ("running", "ann")
        assert asked.cancel_requested_at is not None
        ended = await live.ended(job)
    assert (ended.status, ended.exit_code, ended.model_version_id) == ("cancelled", None, "")
    assert not any(map(lives, pids))


async def test_command_that_ends_leaves_nothing_behind(place: Place) -> None:
    """A job ends with its command, although a child still holds its output open."""
    async with place.training(script(FAMILY + "exit 0")) as live:
        job = await live.ended(await live.create())
        assert job.status == "succeeded"
        output = place.folder(job).output
        assert not lives(pid_in(output / "child"))
        assert not lives(pid_in(output / "daemon"))


async def test_time_limit_ends_a_command_that_ignores_it(place: Place) -> None:
    """It is told to end, and killed when it does not."""
    async with place.training(script(f"{DEAF} echo epoch 1; sleep 600", time_limit_s=3.0, grace_s=0.2)) as live:
        job = await live.ended(await live.create())
    assert job.status == "timed_out"
    assert job.error == "the command ran into its time limit; ended by signal 9 (SIGKILL): epoch 1"


async def test_command_that_heeds_sigterm_may_say_goodbye(place: Place) -> None:
    """What it does in the time of grace is kept, but the job is cancelled."""
    text = "trap 'echo saved > $1/checkpoint; exit 0' TERM; echo ready; while true; do sleep 0.02; done"
    async with place.training(script(text)) as live:
        job = await live.create()
        await live.logs(job, "ready")
        await live.training.cancel(job.job_id)
        ended = await live.ended(job)
    assert (ended.status, ended.exit_code) == ("cancelled", 0)
    assert (place.folder(job).output / "checkpoint").read_text() == "saved\n"


async def test_output_without_end_is_read_and_cut(place: Place) -> None:
    """The log has the beginning and the end, with a line between; the command is never held up."""
    text = "print('begun')\nfor _ in range(40_000):\n    print('x' * 999)\nraise SystemExit(print('done') or 3)"
    async with place.training(python(text)) as live:
        job = await live.ended(await live.create())
        log = await live.training.log_text(job.job_id, 2 * LOG_BYTES_MAX)
    assert job.exit_code == 3
    assert job.error.endswith("x / done")
    assert LOG_BYTES_MAX - 1 < len(log) < LOG_BYTES_MAX + 500
    assert log.startswith("begun\n")
    assert log.endswith("\ndone\n")
    assert "\n[the log is cut here: it is too long; its end follows when the job ends]\n[2" in log
    assert " bytes were left out here]\n" in log


def test_log_just_as_long_as_it_may_be_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said to be missing where nothing is."""
    monkeypatch.setattr("sidecar.training.keeper.TAIL_BYTES", 10)
    texts = {}
    for length in (20, 30, 31):
        descriptor = os.open(tmp_path / str(length), os.O_CREAT | os.O_WRONLY)
        log = Log(descriptor, bytes_max=30)
        for number in range(length):
            log.write(b"%d" % (number % 10))
        log.close()
        os.close(descriptor)
        texts[length] = (tmp_path / str(length)).read_bytes(), log.dropped
    cut = b"\n[the log is cut here: it is too long; its end follows when the job ends]\n"
    assert texts[20] == (b"01234567890123456789", 0)
    assert texts[30] == (b"01234567890123456789" + cut + b"[0 bytes were left out here]\n0123456789", 0)
    assert texts[31] == (b"01234567890123456789" + cut + b"[1 bytes were left out here]\n1234567890", 1)


async def test_output_folder_that_outgrows_its_bound_ends_the_job(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command can't fill the disk with its output."""
    monkeypatch.setattr("sidecar.training.lives.OUTPUT_CHECK_S", 0.05)
    trainer = script("head -c 2000000 /dev/zero > $1/big; sleep 600", output_bytes_max=1 << 20)
    async with place.training(trainer) as live:
        job = await live.ended(await live.create())
    assert (job.status, job.error) == ("failed", "the command was ended: its output outgrew output_bytes_max")


async def test_commands_outlive_the_monitor(place: Place, tmp_path: Path) -> None:
    """A second Training takes up the job that runs, and one that ended meanwhile, as if nothing had been."""
    go = tmp_path / "go"
    trainer = script(f"echo ready; while [ ! -e {go}$3 ]; do sleep 0.02; done; echo '{{}}' > $1/result.json")
    async with place.training(trainer, running_max=2) as live:
        jobs = [await live.create("1"), await live.create("2"), await live.create("3")]
        for job in jobs[:2]:
            await live.logs(job, "ready")
    touch(f"{go}1")
    async with asyncio.timeout(30):
        while read_end(place.folder(jobs[0])) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    async with place.training(trainer, running_max=2) as live:
        assert (await live.ended(jobs[0])).status == "succeeded"
        assert (await live.training.job(jobs[1].job_id)).status == "running"
        touch(f"{go}2", f"{go}3")
        assert [(await live.ended(job)).status for job in jobs] == ["succeeded"] * 3
    assert sorted(place.exports) == [("v1", "coco")] * 3


async def test_cancel_by_the_next_monitor_ends_what_an_earlier_one_started(place: Place) -> None:
    """The keeper is found by its lock."""
    trainer = script("echo ready; sleep 600")
    async with place.training(trainer) as live:
        job = await live.create()
        await live.logs(job, "ready")
    async with place.training(trainer) as live:
        await live.training.cancel(job.job_id)
        assert (await live.ended(job)).status == "cancelled"


async def test_keeper_that_dies_fails_the_job_and_leaves_nothing(place: Place) -> None:
    """What it left of the command is killed, and the job says that how it ended is not known."""
    async with place.training(script(f"{DEAF} sleep 600 & echo $! > $1/child; echo ready; wait")) as live:
        job = await live.create()
        await live.logs(job, "ready")
        folder = place.folder(job)
        child = pid_in(folder.output / "child")
        os.kill(pid_in(folder.path / "lock"), signal.SIGKILL)
        ended = await live.ended(job)
        assert ended.status == "failed"
        assert ended.error.startswith("the trainer's keeper died")
        async with asyncio.timeout(30):
            while lives(child):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_job_that_was_started_but_not_said_to_be_is_not_started_twice(place: Place, tmp_path: Path) -> None:
    """A monitor that died between the two leaves a queued job with a keeper: that is taken up."""
    trainer = script(f"echo once >> {tmp_path}/runs; sleep 0.3")
    live = place.training(trainer)
    job = await live.create()
    folder = place.folder(job)
    folder.make()
    argv = [word.replace("{output}", str(folder.output)) for word in trainer.command]
    process = start_keeper(folder, Order(argv, {"PATH": os.environ["PATH"]}, "/", 60.0, 1.0))
    assert process is not None
    async with live:
        assert (await live.ended(job)).status == "succeeded"
    process.wait()
    assert (tmp_path / "runs").read_text() == "once\n"
    assert place.exports == []


async def test_command_survives_the_kill_of_monitor_and_supervisor(tmp_path: Path) -> None:
    """SIGKILL of the process that started it, and of its whole group; another process takes the job up to its end."""
    data_dir, go = tmp_path / "data", tmp_path / "go"
    monitor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.training.monitor_process", str(data_dir), str(go)),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert monitor.stdout is not None
    async with asyncio.timeout(60):
        job_id = (await monitor.stdout.readline()).decode().strip()
    os.killpg(monitor.pid, signal.SIGKILL)
    assert await monitor.wait() == -signal.SIGKILL
    store = await Store.open(data_dir)
    try:
        place = Place(data_dir, store)
        async with place.training() as live:
            job = await live.training.job(job_id)
            assert (job.status, JobFolder(data_dir, job_id).is_kept()) == ("running", True)
            touch(str(go))
            ended = await live.ended(job)
            assert (ended.status, ended.metrics, ended.model_version_id) == ("succeeded", {"map50": 0.5}, "det@3")
            assert await live.training.log_text(job_id) == "ready\ndone\n"
    finally:
        await store.close()


def test_other_processes_with_the_numbers_of_a_dead_group_are_left_alone(tmp_path: Path) -> None:
    """Both the group and the session must be those that the keeper wrote down."""
    other = subprocess.Popen(["sleep", "600"], start_new_session=True)
    folder = JobFolder(tmp_path, "j1")
    folder.make()
    (folder.path / "group").write_text(f"{other.pid} {other.pid + 1}")
    assert kill_left(folder) == 0
    assert other.poll() is None
    (folder.path / "group").write_text(f"{other.pid} {other.pid}")
    assert kill_left(folder) == 1
    assert other.wait() == -signal.SIGKILL


def test_one_keeper_at_a_time_keeps_a_job(tmp_path: Path) -> None:
    """Who comes second is told that there is one."""
    folder = JobFolder(tmp_path, "j1")
    folder.make()
    lock = folder.lock()
    assert lock is not None
    with lock:
        assert folder.is_kept()
        assert start_keeper(folder, Order(["true"], {}, "/", 1.0, 1.0)) is None
    assert not folder.is_kept()


def test_trainers_settings_stay_out_of_what_is_printed() -> None:
    """An environment may hold keys of services."""
    assert "hunter2" not in repr(CommandTrainer("t", ("true",), environment={"KEY": "hunter2"}))
    assert "hunter2" not in repr(Order(["true"], {"KEY": "hunter2"}, "/", 1.0, 1.0))
