"""What one message about an alert says, whatever channel carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, Literal, cast, get_args

NoticeKind = Literal["firing", "resolved", "flapping", "settled", "test"]
KINDS: tuple[str, ...] = get_args(NoticeKind)
SUBJECT_CHARACTERS_MAX = 150
"""A longer subject is cut: mail programs show less, and a header line has an end."""
SENTENCE_CHARACTERS_MAX = 1_000
"""Names of classes are anybody's; a longer sentence or line of context is cut."""
CONTEXT_LINES_MAX = 10
"""Lines of context that are kept, the first ones."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: what happened to which alert, in a form that every channel can render.

    ``model`` is empty for the sidecar itself, ``version`` for all versions, ``slice`` for all traffic. ``value`` is the
    last reading of ``metric`` in its unit, None where there was nothing to measure. ``condition_text`` is the rule in
    words, ``sentence`` what was seen, ``context`` further lines, of which CONTEXT_LINES_MAX are kept, each cut.
    ``starts_at``, ``at`` and ``ends_at`` are wall seconds since the epoch: when it began to fire, when this was said,
    when it ended (None while it goes on). ``link`` leads to the alert's page, empty where no address of the dashboard
    is configured.

    >>> notice = Notice("firing", "a1", "Errors", "det", "2", "", "error_rate", 0.2, "error_rate > 5 % over 15m",
    ...     "20 % of requests failed.", (), 1_700_000_000.0, 1_700_000_000.0)
    >>> notice.subject
    'Firing: Errors of det@2'
    >>> Notice.from_dict(notice.to_dict()) == notice
    True
    """

    kind: NoticeKind
    alert_id: str
    name: str
    model: str
    version: str
    slice: str
    metric: str
    value: float | None
    condition_text: str
    sentence: str
    context: tuple[str, ...]
    starts_at: float
    at: float
    ends_at: float | None = None
    link: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "context", tuple(map(cut, self.context[:CONTEXT_LINES_MAX])))

    @property
    def of(self) -> str:
        """What the alert watches: ``det``, ``det@2``, ``det@2, camera-7`` or ``sidecar``."""
        name = f"{self.model}@{self.version}" if self.version else self.model or "sidecar"
        return f"{name}, {self.slice}" if self.slice else name

    @property
    def subject(self) -> str:
        """One line, at most SUBJECT_CHARACTERS_MAX long and free of control characters, fit for a mail's header."""
        text = f"{self.kind.capitalize()}: {self.name} of {self.of}"
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return line if len(line) <= SUBJECT_CHARACTERS_MAX else line[: SUBJECT_CHARACTERS_MAX - 1] + "…"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: the fields by name, a value that is no number as null."""
        document: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.value is not None and not isfinite(self.value):
            document["value"] = None
        document["context"] = list(self.context)
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Notice:
        """What ``to_dict`` wrote, in this release or another: unknown keys are ignored, absent ones are empty.

        Raises ValueError for a kind that is none of KINDS.
        """
        kind = document.get("kind")
        if kind not in KINDS:
            raise ValueError(f"kind: {kind!r} is not one of {', '.join(KINDS)}")
        texts = {name: str(document.get(name) or "") for name in _TEXTS}
        at = float(document.get("at") or 0.0)
        return cls(
            kind=cast(NoticeKind, kind),
            **texts,
            value=_number(document.get("value")),
            context=tuple(str(line) for line in document.get("context") or ()),
            starts_at=float(document.get("starts_at") or at),
            at=at,
            ends_at=_number(document.get("ends_at")),
        )


def cut(text: str) -> str:
    """At most SENTENCE_CHARACTERS_MAX of a text.

    >>> len(cut("x" * 5_000)), cut("short")
    (1000, 'short')
    """
    return text if len(text) <= SENTENCE_CHARACTERS_MAX else text[: SENTENCE_CHARACTERS_MAX - 1] + "…"


_TEXTS = ("alert_id", "name", "model", "version", "slice", "metric", "condition_text", "sentence", "link")


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
