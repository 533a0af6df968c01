"""What figures of a test depend on beside its split: which version each variant is, and what counts as a detection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Points:
    """By variant, the ``versions`` under which its answers are recorded (empty: as the request's path says, else the
    variant's name) and the score ``thresholds``, None where the model's own holds.

    >>> Points({"A": "1"}, {"A": 0.5}).text
    '{"thresholds": {"A": 0.5}, "versions": {"A": "1"}}'
    """

    versions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    thresholds: Mapping[str, float | None] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def text(self) -> str:
        """``of_text`` reads it; equal points have equal texts."""
        return json.dumps(
            {"versions": dict(self.versions), "thresholds": dict(self.thresholds)}, sort_keys=True, ensure_ascii=False
        )

    @classmethod
    def of_text(cls, text: str) -> Points:
        """
        >>> Points.of_text(""), Points.of_text(Points({"A": "1"}).text).versions
        (Points(versions=mappingproxy({}), thresholds=mappingproxy({})), {'A': '1'})
        """
        if not text:
            return cls()
        document = json.loads(text)
        return cls(document["versions"], document["thresholds"])

    def model_id(self, model: str, variant: str) -> str:
        """How people name a variant: ``model@version``, or the variant itself where that is not known.

        >>> Points({"A": "1"}).model_id("det", "A"), Points({"A": "1"}).model_id("*", "A")
        ('det@1', 'A')
        """
        version = self.versions.get(variant, "")
        return variant if model == "*" or not version else f"{model}@{version}"
