"""Reading a file of feedback, a statement a line, and sending it page by page."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from sidecar.cli.asking import fail
from sidecar.cli.progress import progress_bar
from sidecar.cli.typed import STDIN

if TYPE_CHECKING:
    from sidecar.client import Client

PAGE_LINES_MAX = 1_000
"""Statements that are sent at once."""
PAGE_BYTES_MAX = 1_500_000
"""The same in bytes; the sidecar takes 2 MiB."""
LINE_BYTES_MAX = 64 * 1024
"""A longer line is no statement."""
FAULTS_MAX = 10_000
"""Faults that are kept to be told; a file with more is not what it is taken for."""


class Line(NamedTuple):
    """A line of the file: its number from 1, how long it is, and its statement or what is wrong with it."""

    number: int
    length: int
    statement: dict[str, Any] | None
    fault: str


def imported(client: Client, given: str, by: str | None) -> dict[str, Any]:
    """What came of the file, as the API tells of many, with ``line`` in each fault.

    Raises SidecarError; ends the command where the file can't be read.
    """
    found: dict[str, Any] = {"accepted": 0, "pending": 0, "faults": []}
    try:
        size = None if given == STDIN else Path(given).stat().st_size
        with _opened(given) as file, progress_bar("reading feedback", size) as went_on:
            for page in pages(lines(file, by)):
                _send(client, page, found)
                went_on(sum(line.length for line in page))
                if len(found["faults"]) >= FAULTS_MAX:
                    fail(
                        f"FILE: {given}: over {FAULTS_MAX:,} faults by line {page[-1].number:,}, the first of them in"
                        f" {_fault_text(found['faults'][0])}"
                    )
    except OSError as error:
        fail(f"FILE: {given}: {error.strerror or error}")
    return found


def _fault_text(fault: dict[str, Any]) -> str:
    return ": ".join(str(part) for part in (f"line {fault['line']}", fault["field"], fault["message"]) if part)


def _opened(given: str) -> IO[bytes]:
    return sys.stdin.buffer if given == STDIN else Path(given).open("rb")


def _send(client: Client, page: list[Line], found: dict[str, Any]) -> None:
    good = [line for line in page if line.statement is not None]
    faults: list[dict[str, Any]] = [
        {"line": line.number, "field": "", "message": line.fault} for line in page if line.fault
    ]
    if good:
        came = client.submit_feedback_bulk([line.statement for line in good if line.statement is not None])
        found["accepted"] += came.accepted
        found["pending"] += came.pending
        faults += [
            {"line": good[fault["index"]].number, "field": fault.field, "message": fault.message}
            for fault in came.faults
        ]
    found["faults"] += sorted(faults, key=lambda fault: fault["line"])


def lines(file: IO[bytes], by: str | None = None) -> Iterator[Line]:
    """The lines of ``file``; empty ones hold no statement. ``by`` is put where a statement does not say.

    >>> import io
    >>> [line.fault or line.statement for line in lines(io.BytesIO(b'{"by": "ann"}\\n\\n{}\\n[]'), "bob")]
    [{'by': 'ann'}, None, {'by': 'bob'}, 'is no JSON object']
    """
    number = 0
    while line := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        length = len(line)
        if length > LINE_BYTES_MAX and not line.endswith(b"\n"):
            while (rest := file.readline(LINE_BYTES_MAX)) and not rest.endswith(b"\n"):
                length += len(rest)
            yield Line(number, length + len(rest), None, f"longer than {LINE_BYTES_MAX:,} bytes")
        elif not line.strip():
            yield Line(number, length, None, "")
        else:
            yield _line(number, line, by)


def _line(number: int, line: bytes, by: str | None) -> Line:
    try:
        statement = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Line(number, len(line), None, f"not JSON: {error}")
    if not isinstance(statement, dict):
        return Line(number, len(line), None, "is no JSON object")
    if by is not None and not statement.get("by"):
        statement["by"] = by
    return Line(number, len(line), statement, "")


def pages(every: Iterator[Line]) -> Iterator[list[Line]]:
    """Lines in pages, each within PAGE_LINES_MAX and PAGE_BYTES_MAX.

    >>> [len(page) for page in pages(Line(number, 9, {}, "") for number in range(1, 1_003))]
    [1000, 2]
    """
    page: list[Line] = []
    size = 0
    for line in every:
        if page and (len(page) == PAGE_LINES_MAX or size + line.length > PAGE_BYTES_MAX):
            yield page
            page, size = [], 0
        page.append(line)
        size += line.length
    if page:
        yield page
