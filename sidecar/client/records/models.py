"""Records of models.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.records.traffic import ModelFigures, RecordedVersion
from sidecar.client.results import ByName, Figure, Record, Records, Time


class ModelUpstream(Record):
    """The upstream that serves a version, or would: its name, address, and path where it has one of its own. ``urls``
    are all its addresses, where it has several, and ``url`` is the first."""

    name: str
    url: str
    urls: list[str]
    path: str


class Model(Record):
    """A model (``version`` empty) or a version of one; ``id`` goes wherever a model id is asked for.

    ``origin`` is what makes it known: a person by the API, a training job, the configuration, or its traffic alone.
    ``serving`` is the version that serves the model where no test claims the traffic. ``versions`` are the ids of a
    model's versions, empty for a version. ``upstream`` is null where it is not known, and for a model itself.
    ``images`` were seen since the start; null where none ever was.
    """

    id: str
    model: str
    version: str
    description: str
    origin: Literal["api", "training", "config", "traffic"]
    created_at: Time | None
    serving: str
    versions: list[str]
    upstream: ModelUpstream | None
    metrics: ByName[Figure]
    images: int | None


class Models(Record):
    """``items`` are models, each before its versions, and ``left_out`` how many more there are. ``figures`` are of this
    run of the monitor, ``recorded`` what the store holds."""

    # and by its key alone: ["items"], Records[Model]
    left_out: int
    figures: Records[ModelFigures]
    recorded: Records[RecordedVersion]
