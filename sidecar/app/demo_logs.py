"""Logs beside what a person reads."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHOWN_LINES = 20


class Aside:
    """Says at the end of ``logs_aside`` whether the last of the logs is shown."""

    wanted = True


@contextmanager
def logs_aside(path: Path) -> Iterator[Aside]:
    """Where standard error is a terminal, what is written there goes to ``path`` instead until the block ends, that of
    processes started meanwhile too. Then the last of it is shown, unless the block said that it is not ``wanted``."""
    aside = Aside()
    if not sys.stderr.isatty():
        yield aside
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    with path.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield aside
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)
        if aside.wanted:
            with path.open(errors="replace") as lines:
                sys.stderr.writelines(deque(lines, SHOWN_LINES))
