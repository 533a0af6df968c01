"""What a trainer says it made: ``output/result.json``, and the same fields of a webhook's report.

{"version": "4",                                       optional: else it is made
 "metrics": {"map50": 0.71, "epochs": 30},             optional: numbers
 "upstream": {"url": "http://triton:8000", "path": ""}}   optional: where it is served
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sidecar.training.settings import Upstream

RESULT_NAME = "result.json"
RESULT_BYTES_MAX = 256 << 10
METRICS_MAX = 100
NAME_CHARACTERS_MAX = 100
PATH_CHARACTERS_MAX = 1_000
_VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_NUMBER = re.compile(r"[0-9]{1,9}")

Faults = list[tuple[str, str]]
"""(field, what would be right) of each."""


@dataclass(frozen=True, slots=True)
class Result:
    """``version`` may be "" and ``upstream`` None: the trainer did not say."""

    version: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    upstream: Upstream | None = None


def read_result(output: Path) -> tuple[Result | None, Faults]:
    """The result in a job's output folder: None where there is none, which is no fault."""
    try:
        # without blocking, should it be a pipe, and without following a link out of the folder
        descriptor = os.open(output / RESULT_NAME, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None, []
    except OSError as error:
        return None, [(RESULT_NAME, f"can't be read: {error.strerror}")]
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None, [(RESULT_NAME, "is no file")]
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(RESULT_BYTES_MAX + 1)
    except OSError as error:
        return None, [(RESULT_NAME, f"can't be read: {error.strerror}")]
    finally:
        os.close(descriptor)
    document, fault = json_of(content, RESULT_BYTES_MAX)
    if fault:
        return None, [(RESULT_NAME, fault)]
    result, faults = result_of(document)
    unknown = sorted(document.keys() - {"version", "metrics", "upstream"})
    faults += [(name[:NAME_CHARACTERS_MAX], "is unknown, expected version, metrics or upstream") for name in unknown]
    return (None if faults else result), [(f"{RESULT_NAME}: {place}", message) for place, message in faults]


def json_of(content: bytes, bytes_max: int) -> tuple[dict[str, Any], str]:
    """The JSON object that ``content`` is, and why it is none."""
    if len(content) > bytes_max:
        return {}, f"is larger than {bytes_max} bytes"
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        return {}, f"is no JSON: {str(error)[:NAME_CHARACTERS_MAX]}"
    if not isinstance(document, dict):
        return {}, 'must be an object such as {"metrics": {"map50": 0.7}}'
    return document, ""


def result_of(document: Mapping[str, Any]) -> tuple[Result, Faults]:
    """The result that a document's fields make, and all their faults. Other fields are left alone."""
    faults: Faults = []
    return (
        Result(
            _version_of(document.get("version"), faults),
            _metrics_of(document.get("metrics"), faults),
            _upstream_of(document.get("upstream"), faults),
        ),
        faults,
    )


def made_version(known: Iterable[str], job_id: str) -> str:
    """The version of a result that names none: one above the highest number that is ``known``, else the job's id.

    >>> made_version(["2", "10", "stable"], "j1"), made_version(["stable"], "j1")
    ('11', 'j1')
    """
    numbers = [int(text) for text in known if _NUMBER.fullmatch(text)]
    return str(max(numbers) + 1) if numbers else job_id


def free_version(wanted: str, known: Iterable[str], job_id: str) -> str:
    """``wanted``, or beside it a name that nothing has yet: a result is not lost because its name is taken."""
    return wanted if wanted not in set(known) else f"{wanted}-{job_id}"


def _version_of(value: Any, faults: Faults) -> str:
    if value is None:
        return ""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _VERSION.fullmatch(text):
        faults.append(("version", 'must be a name of letters, digits, "_", "." and "-", such as "4"'))
        return ""
    return text


def _metrics_of(value: Any, faults: Faults) -> dict[str, float]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > METRICS_MAX:
        faults.append(("metrics", f'must be an object of at most {METRICS_MAX} numbers, such as {{"map50": 0.7}}'))
        return {}
    good: dict[str, float] = {}
    for name, number in value.items():
        shown = name[:NAME_CHARACTERS_MAX]
        if not name or len(name) > NAME_CHARACTERS_MAX:
            faults.append((f"metrics.{shown}", f"its name must have 1 to {NAME_CHARACTERS_MAX} characters"))
        elif not _is_number(number):
            faults.append((f"metrics.{shown}", "must be a finite number"))
        else:
            good[name] = float(number)
    return good


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return isfinite(float(value))
    except OverflowError:
        return False


def _upstream_of(value: Any, faults: Faults) -> Upstream | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or value.keys() - {"url", "path"}:
        faults.append(("upstream", 'must be an object such as {"url": "http://triton:8000", "path": ""}'))
        return None
    url, path = value.get("url"), value.get("path") or ""
    if fault := url_fault(url):
        faults.append(("upstream.url", fault))
    if fault := path_fault(path):
        faults.append(("upstream.path", fault))
    return Upstream(str(url), str(path))


def url_fault(url: Any) -> str:
    """Why ``url`` is no address of a model server; "" where it is one."""
    try:
        parts = urlsplit(url if isinstance(url, str) and url.isprintable() and " " not in url else "")
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        good = good and parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username is not None)
    except ValueError:
        good = False
    return "" if good else "must hold scheme, host and port only, such as http://triton:8000"


def path_fault(path: Any) -> str:
    """Why ``path`` is no upstream's; "" where it is one, or empty."""
    if not isinstance(path, str) or len(path) > PATH_CHARACTERS_MAX or not path.isprintable() or " " in path:
        return "must be a path such as /v2/models/det/versions/4/infer"
    return "" if not path or path.startswith("/") else "must begin with /"
