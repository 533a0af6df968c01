"""Values as they are typed: times, boxes, numbers by name, and documents in files. What can't be read ends the command
with the flag it came from."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from sidecar.cli.asking import fail
from sidecar.durations import parse_duration

STDIN = "-"
DOCUMENT_BYTES_MAX = 1 << 20
"""Of a file with rules or with the labels of an image."""


def when(given: str | None, flag: str) -> float | None:
    """A time in epoch seconds: of so long ago, of a day's beginning in UTC, or with an offset.

    >>> when("2024-02-01", "--since"), when("2024-02-01T08:00:00+01:00", "--since"), when("1700000000", "--since")
    (1706745600.0, 1706770800.0, 1700000000.0)
    """
    if given is None:
        return None
    try:
        return float(given)
    except ValueError:
        pass
    try:
        return time.time() - parse_duration(given)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        fail(f"{flag}: {given!r} is no time, expected e.g. 7d (ago), 2024-02-01 or 2024-02-01T08:00:00Z")
    if found.tzinfo is None and len(given) > len("2024-02-01"):
        fail(f"{flag}: {given!r} needs an offset, such as Z")
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def seconds_of(given: str, flag: str) -> float:
    """A length of time in seconds.

    >>> seconds_of("10m", "--lease")
    600.0
    """
    try:
        return parse_duration(given)
    except ValueError as error:
        fail(f"{flag}: {error}")


def box_of(given: str | None, flag: str) -> list[float] | None:
    """A box as it is typed.

    >>> box_of("1, 2,30,40.5", "--box")
    [1.0, 2.0, 30.0, 40.5]
    """
    if given is None:
        return None
    try:
        x1, y1, x2, y2 = map(float, given.split(","))
    except ValueError:
        fail(f"{flag}: {given!r} is no box, expected x1,y1,x2,y2 in pixels, such as 10,20,110,220")
    return [x1, y1, x2, y2]


def numbers_of(given: Sequence[str], flag: str) -> dict[str, float]:
    """Numbers by name, NAME=NUMBER each, repeated or with commas between them.

    >>> numbers_of(["map50=0.61,loss=1.2", "epochs=3"], "--metrics")
    {'map50': 0.61, 'loss': 1.2, 'epochs': 3.0}
    """
    found: dict[str, float] = {}
    for part in ",".join(given).split(",") if given else ():
        name, _, number = part.rpartition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            name = ""
        if not name.strip():
            fail(f"{flag}: {part.strip()!r} is no figure, expected NAME=NUMBER, such as map50=0.61")
    return found


def upstream_of(given: str | None) -> dict[str, str] | None:
    """Where a model version is served, as the API takes it: the address apart from its path.

    >>> upstream_of("http://triton:8000/v2/models/det/infer"), upstream_of("http://triton:8000/")
    ({'url': 'http://triton:8000', 'path': '/v2/models/det/infer'}, {'url': 'http://triton:8000', 'path': ''})
    """
    if given is None:
        return None
    scheme, separator, rest = given.partition("://")
    host, slash, path = rest.partition("/")
    return {"url": f"{scheme}{separator}{host}", "path": f"{slash}{path}" if path else ""}


def document_of(given: str, flag: str) -> Any:
    """What a file holds, YAML or JSON; ``-`` is standard input."""
    content = _content(given, flag)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        if given.endswith(".json"):
            _unreadable(flag, given, f"not JSON: {error}")
    import yaml

    try:
        return yaml.safe_load(content)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f"line {mark.line + 1}: "
        _unreadable(flag, given, f"{where}neither YAML nor JSON: {getattr(error, 'problem', None) or error}")
    except ValueError as error:  # a date that there is not
        _unreadable(flag, given, f"can't be read: {error}")


def _content(given: str, flag: str) -> str:
    try:
        if given == STDIN:
            content = sys.stdin.buffer.read(DOCUMENT_BYTES_MAX + 1)
        else:
            with Path(given).open("rb") as file:
                content = file.read(DOCUMENT_BYTES_MAX + 1)
        if len(content) > DOCUMENT_BYTES_MAX:
            _unreadable(flag, given, f"larger than {DOCUMENT_BYTES_MAX:,} bytes")
        return content.decode()
    except OSError as error:
        _unreadable(flag, given, error.strerror or str(error))
    except UnicodeDecodeError:
        _unreadable(flag, given, "is no UTF-8 text")


def _unreadable(flag: str, given: str, why: str) -> NoReturn:
    fail(f"{flag}: {'standard input' if given == STDIN else given}: {why}")
