"""What the parts of the configuration are made of: their base and the types that several of them use."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sidecar.durations import parse_duration

Port = Annotated[int, Field(ge=0, le=65_535)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
Duration = Annotated[float, BeforeValidator(parse_duration)]
"""Seconds, written as ``15m`` or ``7d``."""


class Part(BaseModel):
    """A mapping in the file. A name it does not know is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)
