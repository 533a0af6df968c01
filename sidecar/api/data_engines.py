"""What the API asks about data engines (which images are kept for review), as one Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypedDict

from sidecar.api.watch import Document


class DataEngineFigures(TypedDict):
    """Counts since the monitor started; none of them goes down."""

    limits_hit: Mapping[tuple[str, str], int]
    """Images that a rule wanted and a limit kept out, by (rule, limit); limit: minute, hour, day, cool_down,
    near_duplicate, budget."""


class DataEngines(Protocol):
    """The rules by which images of each model are kept. Arguments have their types and bounds; whether they make sense
    is judged here.

    Every method raises ControlError for arguments that can't be (422; ``ControlError.of`` for several faults), its
    kind NotThere with field ``model_id`` for a model that nobody knows (404), and StoreError where the store can't
    (503). Documents are DataEngines of ``schemas_data_engines``.
    """

    async def configure(self, model_id: str, config: Mapping[str, Any], target_dataset_id: str | None) -> Document:
        """Set the rules of a model, for good and in place of those it had; the DataEngine. ``config`` is as it came; a
        rule that is not in it is off. ``target_dataset_id`` None: the dataset it has, else one named after the model.

        Raises ControlError with fields such as ``config.low_confidence.threshold`` or ``target_dataset_id``.
        """
        ...

    async def get(self, model_id: str) -> Document:
        """The rules of one model and what they kept. Raises NotThere."""
        ...

    async def list(self) -> Sequence[Document]:
        """Those of every model, by name."""
        ...

    def figures(self) -> DataEngineFigures:
        """For /metrics; cheap, without waiting."""
        ...
