"""What of a configuration is another than before, by dotted paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel


def changed_paths(before: Any, after: Any, path: str) -> Iterator[str]:
    """The paths, from ``path`` on, of what differs; a list of another length is one.

    >>> from sidecar.app.config import ListenConfig
    >>> list(changed_paths(ListenConfig(), ListenConfig(port=9000, workers=2), "listen"))
    ['listen.port', 'listen.workers']
    """
    if before == after:
        return
    if isinstance(before, BaseModel) and type(before) is type(after):
        for name in type(before).model_fields:
            yield from changed_paths(getattr(before, name), getattr(after, name), f"{path}.{name}")
    elif isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from changed_paths(one, other, f"{path}[{index}]")
    else:
        yield path


def section_of(path: str) -> str:
    """The first name of a dotted path.

    >>> section_of("listen.port"), section_of("stream[0].url"), section_of("data_dir")
    ('listen', 'stream', 'data_dir')
    """
    return re.split(r"[.\[]", path, maxsplit=1)[0]
