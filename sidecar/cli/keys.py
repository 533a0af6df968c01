"""A terminal while something fills it: keys as they are pressed, and signals that must leave it as it was."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

Pressed = Callable[[float], str]
HANG_UP = "q"
"""What a terminal that is gone presses."""
KEYS_BYTES_MAX = 64


@contextlib.contextmanager
def keys() -> Iterator[Pressed]:
    """What it gives waits for so many seconds at most and returns what was pressed meanwhile, empty for nothing.

    Until the block ends keys are not shown and need no Enter, where standard input is a terminal; Ctrl-C stays what
    it is.
    """
    descriptor = _terminal()
    if descriptor is None:
        yield _nothing
        return
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield lambda timeout_s: _read(descriptor, timeout_s)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as an exception would, so that the terminal is put in order; Ctrl-Z does
    nothing, since a shell would get a terminal it can't use."""

    def end(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    wanted: dict[str, Any] = {"SIGTERM": end, "SIGHUP": end, "SIGTSTP": signal.SIG_IGN}
    numbers = {getattr(signal, name): action for name, action in wanted.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, action) for number, action in numbers.items()}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _terminal() -> int | None:
    """The descriptor of standard input where it is a terminal whose keys can be read one by one."""
    try:
        import termios  # noqa: F401  (there is none on Windows)

        return sys.stdin.fileno() if sys.stdin.isatty() else None
    except (ImportError, OSError, ValueError):
        return None


def _nothing(timeout_s: float) -> str:
    time.sleep(timeout_s)
    return ""


def _read(descriptor: int, timeout_s: float) -> str:
    ready, _, _ = select.select([descriptor], [], [], timeout_s)
    if not ready:
        return ""
    try:
        return os.read(descriptor, KEYS_BYTES_MAX).decode(errors="replace") or HANG_UP
    except OSError:
        return HANG_UP
