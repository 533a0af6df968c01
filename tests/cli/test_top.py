"""``sidecar top`` as a process: in a terminal, without one, for machines, and while the sidecar is away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.live import LiveTotals, make_prediction, make_summary
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.cli.conftest import Ask
from tests.cli.relaying import Relay
from tests.kit.terminal import Screen, Terminal, in_terminal
from tests.kit.trials_at_hand import TrialsAtHand

TOP = (sys.executable, "-m", "sidecar", "top")


@pytest.fixture
def url(tmp_path: Path, filled: None, watch: LiveWatch, trials: TrialsAtHand) -> Iterator[str]:
    """An application through which images with a cat and a dog each go."""
    totals, ended = LiveTotals(), threading.Event()

    def send() -> None:
        predictions = [make_prediction()]
        while not ended.wait(0.1):
            predictions.append(make_prediction(len(predictions)))
            totals.by_key = {("det", "1", "serving"): make_summary(predictions)}

    traffic = threading.Thread(target=send)
    traffic.start()
    try:
        with served(tmp_path, watch, trials=trials, totals=totals) as found:
            yield found
    finally:
        ended.set()
        traffic.join(20)


@pytest.fixture
def relay(url: str) -> Iterator[Relay]:
    """A way to the application that can be cut."""
    with Relay(url) as made:
        yield made


@pytest.fixture
def terminal(relay: Relay) -> Iterator[Terminal]:
    """The live view, once it is there."""
    with in_terminal(TOP, 80, 24, {"SIDECAR_URL": relay.url}) as made:
        made.until(is_shown)
        yield made


def is_shown(screen: Screen) -> bool:
    """Whether the view is there."""
    return screen.alternate and "q leaves" in screen.text


def test_view_fills_the_terminal_and_follows_its_size(terminal: Terminal, relay: Relay) -> None:
    """From 80x24 to 120x40 and back to less, with the address, figures and classes."""
    first = terminal.until(lambda screen: "cat    ████" in screen.text and "██" in screen.lines[1])
    assert first.splitlines()[0].startswith(f"sidecar  {relay.url.removeprefix('http://')}  ")
    assert first.splitlines()[0].endswith("q leaves")
    assert len(first.splitlines()[0]) == 80
    assert "det@1" in first
    assert not terminal.screen.cursor_shown
    terminal.resize(120, 40)
    wide = terminal.until(lambda screen: "boxes/image" in screen.text)
    assert len(wide.splitlines()[0]) == 120
    terminal.resize(40, 10)
    terminal.until(lambda screen: "p95 ms" in screen.text and "role" not in screen.text)
    assert len(terminal.screen.lines) == 10


@pytest.mark.parametrize("keys", ["q", "Q", "\x03", "xq"])
def test_keys_leave_and_the_terminal_is_as_before(terminal: Terminal, keys: str) -> None:
    """q and Ctrl-C; nothing stays on the screen, the cursor is back, and keys are shown again."""
    assert not terminal.modes()[3] & termios.ECHO
    terminal.press(keys)
    assert terminal.ended() == 0
    assert (terminal.screen.alternate, terminal.screen.cursor_shown, terminal.screen.text) == (False, True, "")
    assert terminal.modes()[3] & termios.ECHO
    assert terminal.modes()[3] & termios.ICANON


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_leaves_the_terminal_as_before(terminal: Terminal, number: signal.Signals) -> None:
    """As a key would, but for the exit code."""
    terminal.process.send_signal(number)
    assert terminal.ended() == 128 + number
    assert (terminal.screen.alternate, terminal.screen.cursor_shown) == (False, True)
    assert terminal.modes()[3] & termios.ECHO


def test_other_keys_and_stopping_do_nothing(terminal: Terminal) -> None:
    """Arrows, letters and Ctrl-Z leave the view where it is."""
    terminal.press("x\x1b[A\x1a")
    before = terminal.screen.lines[0]
    terminal.until(lambda screen: is_shown(screen) and screen.lines[0] != before)


def test_sidecar_that_goes_away_is_told_and_so_is_its_return(terminal: Terminal, relay: Relay) -> None:
    """Its last figures stay meanwhile; q leaves then too."""
    relay.cut()
    away = terminal.until(lambda screen: "away for" in screen.text and "Connection refused" in screen.text)
    assert "det@1" in away
    relay.mend()
    terminal.until(lambda screen: "back after" in screen.text)
    terminal.until(lambda screen: "back after" not in screen.text)
    relay.cut()
    terminal.until(lambda screen: "away for" in screen.text)
    terminal.press("q")
    assert terminal.ended() == 0


def test_without_a_terminal_it_is_one_table(ask: Ask) -> None:
    """That ends by itself, and says nothing of keys."""
    result = ask("top", "--model", "det")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "q leaves" not in result.stdout
    assert "det@1" in result.stdout
    assert "\x1b" not in result.stdout


def test_dumb_terminal_gets_one_table(relay: Relay) -> None:
    """One that can't move a cursor."""
    with in_terminal(TOP, 80, 24, {"SIDECAR_URL": relay.url, "TERM": "dumb"}) as terminal:
        assert terminal.ended() == 0
        assert "det@1" in terminal.screen.text


def test_for_machines_it_is_an_object_a_line_over_an_outage(relay: Relay) -> None:
    """What goes on between is told on standard error."""
    command = [*TOP, "--json", "--url", relay.url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        first, second = json.loads(process.stdout.readline()), json.loads(process.stdout.readline())
        assert first["at"] < second["at"]
        assert first["models"][0]["model"] == "det"
        relay.cut()
        assert process.stderr.readline().startswith("sidecar: away: ")
        relay.mend()
        assert process.stderr.readline() == "sidecar: back\n"
        assert json.loads(process.stdout.readline())["at"] > second["at"]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def test_reader_that_leaves_ends_it_quietly(relay: Relay) -> None:
    """As in ``sidecar top --json | head -1``."""
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | head -n 1', "-", *TOP, "--json"],
        env={**os.environ, "SIDECAR_URL": relay.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert json.loads(done.stdout)["models"]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "nope"), "sidecar: --model: no model or version is called 'nope'; there are det, det@1"),
        (("--interval", "0.1"), "'--interval'"),
        (("--url", "http://127.0.0.1:9"), "--url names its admin port"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_what_can_not_be_followed_is_told_at_once(
    relay: Relay, words: tuple[str, ...], message: str, more: tuple[str, ...]
) -> None:
    """In a terminal as well, which stays as it is."""
    with in_terminal((*TOP, "--url", relay.url, *words, *more), 200, 24, {}) as terminal:
        assert terminal.ended() == 2
        assert message in terminal.screen.text
        assert b"\x1b[?1049h" not in terminal.written
