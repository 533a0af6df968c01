"""A program in a terminal of its own, and what stands on its screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

WAIT_S = 60.0
QUIET_S = 0.05
LAST = b"\0"
"""What no program writes, and no terminal shows."""
_ESCAPE = re.compile(rb"\x1b\[([?0-9;]*)([A-Za-z])|\x1b[()=>][0AB]?")


class Screen:
    """As much of a terminal as a full-screen program needs: the cursor, clearing, the alternate screen. Colours are
    left out. ``lines`` are what is seen."""

    def __init__(self, width: int, height: int) -> None:
        self.alternate = False
        self.cursor_shown = True
        self._waiting = b""
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """An empty screen of another size."""
        self.width, self.height = width, height
        self._clear()

    @property
    def lines(self) -> list[str]:
        """What is seen, without spaces at the ends of lines."""
        return ["".join(row).rstrip() for row in self._rows]

    @property
    def text(self) -> str:
        """What is seen."""
        return "\n".join(self.lines).rstrip()

    def feed(self, chunk: bytes) -> None:
        """Take what a program writes."""
        found = self._waiting + chunk
        place = 0
        for escape in _ESCAPE.finditer(found):
            self._print(found[place : escape.start()])
            self._obey(escape[1] or b"", escape[2] or b"")
            place = escape.end()
        rest = found[place:]
        cut = rest.rfind(b"\x1b")
        whole = rest if cut < 0 else rest[:cut]
        while whole and _is_cut(whole):
            cut, whole = len(whole) - 1, whole[:-1]
        self._print(whole)
        self._waiting = rest[len(whole) :]

    def _clear(self) -> None:
        self._rows = [[" "] * self.width for _ in range(self.height)]
        self._row = self._column = 0

    def _print(self, chunk: bytes) -> None:
        for char in chunk.decode():
            if char == "\n":
                self._down()
            elif char == "\r":
                self._column = 0
            elif char >= " ":
                if self._column >= self.width:  # a full line breaks with the next character, not before
                    self._column = 0
                    self._down()
                self._rows[self._row][self._column] = char
                self._column += 1

    def _down(self) -> None:
        if self._row + 1 < self.height:
            self._row += 1
        else:
            self._rows = [*self._rows[1:], [" "] * self.width]

    def _obey(self, numbers: bytes, command: bytes) -> None:
        first = int(numbers.split(b";")[0] or 1) if numbers.replace(b";", b"").isdigit() else 1
        if command == b"H":
            self._row = self._column = 0
        elif command == b"A":
            self._row = max(self._row - first, 0)
        elif command == b"J":
            self._clear()
        elif command == b"K":
            self._rows[self._row] = [" "] * self.width
        elif numbers == b"?1049":
            self.alternate = command == b"h"
            self._clear()
        elif numbers == b"?25":
            self.cursor_shown = command == b"h"


def _is_cut(chunk: bytes) -> bool:
    """Whether it ends within a character."""
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return True
    return False


class Terminal:
    """A running program, its screen, and a keyboard."""

    def __init__(
        self, process: subprocess.Popen[bytes], controller: int, terminal: int, width: int, height: int
    ) -> None:
        self.process = process
        self.screen = Screen(width, height)
        self.written = b""
        self._controller = controller
        self._terminal = terminal
        self._is_hung_up = False

    def press(self, keys: str) -> None:
        """Type ``keys``."""
        os.write(self._controller, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Make the window another size."""
        self.screen.resize(width, height)
        _set_size(self._controller, width, height)
        self.process.send_signal(signal.SIGWINCH)

    def until(self, seen: Callable[[Screen], bool]) -> str:
        """What is seen once ``seen`` holds of the screen, all that was being written then included; fails where that
        takes too long."""
        end = time.monotonic() + WAIT_S
        while not (seen(self.screen) and self._is_drawn() and seen(self.screen)):
            assert time.monotonic() < end, f"never seen; there is:\n{self.screen.text}"
            has_ended = self.process.poll() is not None  # before the last look: what it wrote at its end is read then
            assert self._read(0.1) or not has_ended, f"it ended with:\n{self.screen.text}"
        return self.screen.text

    def ended(self) -> int:
        """The exit code, once it has ended by itself."""
        end = time.monotonic() + WAIT_S
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it goes on; there is:\n{self.screen.text}"
            self._read(0.1)
        with contextlib.suppress(OSError):  # of a system that hangs up with a session, which then tells the end
            os.write(self._terminal, LAST)  # comes after all that the program wrote, however late that is passed on
        while not self.written.endswith(LAST) and not self._is_hung_up:
            assert time.monotonic() < end, f"its last words are not passed on; there is:\n{self.screen.text}"
            self._read(0.1)
        self.written = self.written.removesuffix(LAST)
        return self.process.returncode

    def modes(self) -> list[Any]:
        """How the terminal treats keys."""
        return termios.tcgetattr(self._controller)

    def _is_drawn(self) -> bool:
        """Reads on until nothing more comes for a moment: a view is passed on in pieces. True."""
        while self._read(QUIET_S):
            pass
        return True

    def _read(self, timeout_s: float) -> bool:
        ready, _, _ = select.select([self._controller], [], [], timeout_s)
        if not ready:
            return False
        try:
            chunk = os.read(self._controller, 65_536)
        except OSError:  # nobody has it open any more, and all that was written is read
            self._is_hung_up = True
            return False
        self.written += chunk
        self.screen.feed(chunk)
        return bool(chunk)


@contextlib.contextmanager
def in_terminal(words: Sequence[str], width: int, height: int, environment: dict[str, str]) -> Iterator[Terminal]:
    """A program in a terminal of that size; it is killed at the end where it still runs."""
    controller, terminal = pty.openpty()
    _set_size(controller, width, height)
    clean = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        words,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**clean, "TERM": "xterm-256color", **environment},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C reaches it
    )
    try:
        yield Terminal(process, controller, terminal, width, height)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(terminal)
        os.close(controller)


def _set_size(descriptor: int, width: int, height: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
