"""The calls that save predictions and detections as files: what to send."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from sidecar.client.calls import SLOWEST_TIMEOUT_S, Call, Filter, params_of
from sidecar.client.errors import invalid_field
from sidecar.client.saving import Target

Format = Literal["jsonl", "csv", "parquet"]
MEDIA_TYPES: Mapping[str, str] = {
    "jsonl": "application/jsonl",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}


def export_predictions(format: Format, filters: Mapping[str, Filter]) -> Call[bytes]:
    """Predictions as a file."""
    return _export("predictions", format, filters)


def export_detections(format: Format, filters: Mapping[str, Filter]) -> Call[bytes]:
    """Detections as a file."""
    return _export("detections", format, filters)


def format_of(target: Target, format: Format | None) -> Format:
    """``format``, or where it is None what the name of the file ends in; JSON Lines into an open file without such a
    name. Raises InvalidRequest where a name says nothing of a format.

    >>> import io
    >>> format_of("out/a.CSV", None), format_of("a.csv", "parquet"), format_of(io.BytesIO(), None)
    ('csv', 'parquet', 'jsonl')
    >>> format_of("a.txt", None)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    sidecar.client.errors.InvalidRequest: format: 'a.txt' does not say which; end its name in .jsonl, .csv or ...
    """
    if format is not None:
        return format
    is_open = hasattr(target, "write")
    name = str(getattr(target, "name", "")) if is_open else str(target)
    formats: dict[str, Format] = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet"}
    found = formats.get(Path(name).suffix.lower(), "jsonl" if is_open else None)
    if found is None:
        fault = f"{name!r} does not say which; end its name in .jsonl, .csv or .parquet, or give a format"
        raise invalid_field("format", fault)
    return found


def _export(what: str, format: Format, filters: Mapping[str, Filter]) -> Call[bytes]:
    # what can't be is left to the sidecar to refuse
    media_types = (MEDIA_TYPES[format],) if format in MEDIA_TYPES else ()
    asked = params_of({"format": format, **filters})
    path = f"/api/v1/{what}/export"
    return Call(
        "GET",
        path,
        bytes,
        asked,
        timeout_s=SLOWEST_TIMEOUT_S,
        media_types=media_types,
        begins_anew=False,  # where the store was begun anew, the rest of it would be a short file without a word
    )
