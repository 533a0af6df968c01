"""What the parts of the configuration are made of: their base and the types that several of them use."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from sidecar.app.masking import masked_text, masked_url
from sidecar.durations import parse_duration

SHOWN_CHARACTERS = 80


def like(pattern: str, expected: str, is_url: bool = False) -> AfterValidator:
    """Text that is wholly ``pattern``; where it is not, a person reads what was ``expected``, not the pattern."""
    form = re.compile(pattern)

    def check(text: str) -> str:
        if not form.fullmatch(text):
            shown = masked_url(text) if is_url else masked_text(text)
            raise ValueError(f"must be {expected}; got {shown[:SHOWN_CHARACTERS]!r}")
        return text

    return AfterValidator(check)


Port = Annotated[int, Field(ge=0, le=65_535)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
NAME = "1 to 64 letters, digits, _ . or -, the first neither . nor -"
Name = Annotated[str, like(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", NAME)]
Duration = Annotated[float, BeforeValidator(parse_duration)]
"""Seconds, written as ``15m`` or ``7d``."""


class Part(BaseModel):
    """A mapping in the file. A name it does not know is a fault. Errors quote no value by themselves: it may be
    secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
