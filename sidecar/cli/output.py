"""What the program writes: files that are whole, and a standard output that may be full or take few characters."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from sidecar.cli.asking import fail
from sidecar.cli.text import size

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What is wrong with a standard output that takes no more."""


def saved_as(path: Path, content: bytes, otherwise: str = "") -> str:
    """Write ``content`` for ``--output``: all of it, else what stood at ``path`` stays. What to say of it.

    Ends the command where it can't be written; ``otherwise`` is what to know then.
    """
    from sidecar.client.saving import Saving

    try:
        with Saving(path) as saving:
            saving.write(content)
    except OSError as error:
        fail(f"--output: {path}: {error.strerror or error}" + (f"\n{otherwise}" if otherwise else ""))
    return f"{path} ({size(len(content))})"


@contextlib.contextmanager
def safe_output() -> Iterator[None]:
    """A character that standard output can't show is shown as ``?``; where it takes no more, that is told."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in FULL or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would fail again at the end
        fail(f"standard output: {error.strerror}")
