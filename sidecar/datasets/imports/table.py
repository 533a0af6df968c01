"""The table of formats that labels are read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from sidecar.datasets.formats.table import UnknownFormat
from sidecar.datasets.imports.coco import read_coco
from sidecar.datasets.imports.label_studio import read_label_studio
from sidecar.datasets.imports.result import Fault, Imported

DOCUMENT_BYTES_MAX = 64 << 20
Reader = Callable[[Any, Mapping[str, tuple[int, int]]], Imported]

READERS: Mapping[str, Reader] = MappingProxyType({"coco": read_coco, "label_studio": read_label_studio})


def read_labels(format_name: str, document: bytes, known: Mapping[str, tuple[int, int]]) -> Imported:
    """The labels in a document, of the images that are ``known`` by sample id with width and height (0: unknown).

    Whatever is wrong with it is told by ``faults``, never raised. Takes seconds for a large one: call it in a thread.
    Raises UnknownFormat.

    >>> read_labels("coco", b"{", {}).faults[0].message
    'must be JSON: unexpected end of data: line 1 column 2 (char 1)'
    """
    reader = READERS.get(format_name)
    if reader is None:
        raise UnknownFormat(f"format: must be one of {', '.join(READERS)}, not {format_name!r}")
    if len(document) > DOCUMENT_BYTES_MAX:
        message = f"must have at most {DOCUMENT_BYTES_MAX} bytes, not {len(document)}"
        return Imported({}, (Fault("", message),), 1)
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        return Imported({}, (Fault("", f"must be JSON: {error}"),), 1)
    return reader(parsed, known)
