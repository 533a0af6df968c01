"""How far something is that takes its time, on standard error, and only where that is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.cli.text import size

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Task


def errors() -> Console:
    """Standard error."""
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def progress_bar(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar of bytes until the block ends; call what it gives with each further number of them. ``total`` None: not
    known."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    console = errors()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(title, total=total)
        yield lambda more: shown.advance(task, more)


@contextmanager
def growing(title: str, path: Path) -> Iterator[None]:
    """Until the block ends: how large the file is that is written beside ``path``, before it takes its place."""
    from rich.progress import Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    part = path.with_name(f"{path.name}.part")

    class Written(ProgressColumn):
        """The size of the file as it is now."""

        max_refresh = 0.2

        def render(self, task: Task) -> Text:
            try:
                return Text(size(part.stat().st_size))
            except OSError:
                return Text("")

    console = errors()
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), Written(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        shown.add_task(title, total=None)
        yield
