"""A file that stands under its name only once all of it is there."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

Target = str | PathLike[str] | BinaryIO
"""Where something is saved: the path of a file, or a file that is open for writing bytes."""
Progress = Callable[[int], None]
"""Called as a file grows, with how many bytes of it there are by now."""


class Saving:
    """Writes a file of its own beside ``path`` and takes its place when the block ends well; else nothing stays, and
    what stood at ``path`` is as it was.

    Links are followed: what they point to is replaced, and keeps its mode. What is there but no regular file (a pipe, a
    device), and a file that somebody else opened, is written into as it comes. Raises OSError.
    """

    def __init__(self, path: Target, progress: Progress | None = None) -> None:
        self._given = None if isinstance(path, str | PathLike) else path
        self.path = Path(path) if isinstance(path, str | PathLike) else Path(str(getattr(path, "name", "")))
        self._target = Path(os.path.realpath(self.path))
        self._progress = progress
        self._part: Path | None = None
        self._file: BinaryIO | None = None
        self.written = 0

    def __enter__(self) -> Saving:
        if self._given is not None:
            return self
        mode = _mode_of(self._target)
        if mode is not None and stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(self.path))
        if mode is None or stat.S_ISREG(mode):
            # not by tempfile, which lets nobody else read the file
            part = self._target.with_name(f".{secrets.token_hex(8)}.part")
            try:
                self._file = part.open("xb")
            except OSError as error:  # it names a file that nobody asked for
                raise OSError(error.errno, os.strerror(error.errno or 0), str(self.path)) from error
            self._part = part
            if mode is not None:
                part.chmod(stat.S_IMODE(mode))
        return self

    def write(self, chunk: bytes) -> None:
        """Add ``chunk``."""
        if self._given is None and self._file is None:  # a pipe opens once somebody reads it
            self._file = self._target.open("wb")
        file = self._given if self._file is None else self._file
        assert file is not None
        self.written += len(chunk)
        file.write(chunk)
        if self._progress is not None:
            self._progress(self.written)

    def restart(self) -> None:
        """Begin anew. Raises OSError where what was written can't be taken back."""
        if self._part is not None and self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            self.written = 0
        elif self.written:
            raise OSError(errno.ESPIPE, "it broke off, and what was written can't be taken back", str(self.path))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._file is not None:
                self._file.close()
            if kind is None and self._part is not None:
                os.replace(self._part, self._target)
        finally:
            if self._part is not None:
                self._part.unlink(missing_ok=True)


def _mode_of(path: Path) -> int | None:
    """None where nothing is there."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
