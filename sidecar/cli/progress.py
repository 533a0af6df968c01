"""How far something is that takes its time, on standard error, and only where that is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn


def errors() -> Console:
    """Standard error."""
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def progress_bar(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar of bytes until the block ends; call what it gives with each further number of them. ``total`` None: not
    known."""
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn

    with _bar(title, total, BarColumn(), DownloadColumn(), TimeRemainingColumn()) as went_on:
        yield went_on


@contextmanager
def items_bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar of things until the block ends; call what it gives with each further number of them."""
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

    with _bar(title, total, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as went_on:
        yield went_on


@contextmanager
def bytes_bar(title: str) -> Iterator[Callable[[int], None]]:
    """How many bytes came of a file whose size nobody knows yet; call what it gives with how many there are by now."""
    from rich.progress import DownloadColumn, SpinnerColumn, TimeElapsedColumn, TransferSpeedColumn

    before = 0
    with _bar(title, None, SpinnerColumn(), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn()) as went_on:

        def there(now: int) -> None:
            nonlocal before
            went_on(now - before)
            before = now

        yield there


@contextmanager
def waiting(title: str) -> Iterator[None]:
    """That something goes on of which nothing is heard until it is done."""
    from rich.progress import SpinnerColumn, TimeElapsedColumn

    with _bar(title, None, SpinnerColumn(), TimeElapsedColumn()):
        yield


@contextmanager
def _bar(title: str, total: int | None, *columns: ProgressColumn) -> Iterator[Callable[[int], None]]:
    from rich.progress import Progress, TextColumn

    console = errors()
    named = TextColumn("{task.description}", markup=False)
    with Progress(named, *columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(title, total=total)
        yield lambda more: shown.advance(task, more)
