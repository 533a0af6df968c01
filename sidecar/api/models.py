"""What the API asks about models and their versions, as one Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sidecar.api.watch import Document

MODELS_LISTED_MAX = 1_000
"""Models and versions that one answer lists."""


class Models(Protocol):
    """Models and versions: seen in traffic, configured, trained, registered by people. Arguments have their types and
    bounds; whether they make sense is judged here.

    A model id is a model's name, or ``name@version``. Methods raise NotThere (404) with field ``model_id`` for an id
    that nothing has, with those there are; ControlError (422) with every faulty field; Conflict (409) where something
    is in the way; StoreError where the store can't (503). Documents are ModelOuts of ``schemas_models``; NaN may stand
    in them, it becomes null.
    """

    async def register(
        self, name: str, version: str, url: str, path: str, description: str, metrics: Mapping[str, float]
    ) -> Document:
        """Make a model (``version`` empty) or a version of it known, durably; with ``url`` it is an upstream that tests
        can name. Done again it changes what is given and not empty. The ModelOut.

        Raises ControlError; Conflict with field ``url`` where another upstream has that version, or there are too many.
        """
        ...

    async def list(self) -> tuple[Sequence[Document], int]:
        """ModelOuts, each model before its versions, at most MODELS_LISTED_MAX of them, and how many more there are."""
        ...

    async def get(self, model_id: str) -> Document:
        """One ModelOut. Raises NotThere."""
        ...

    async def check(self, model_id: str, field: str) -> None:
        """Raises ControlError with ``field`` for an id that nothing has, with those there are; none where nothing at
        all is known yet."""
        ...

    async def delete(self, model_id: str) -> Document:
        """Forget what was registered or trained under that id, of a model its versions too; the ModelOut as it was.

        Raises NotThere; Conflict with field ``model_id`` where one of them serves, is in a test or is a running job's
        base, or where nothing is registered: traffic or the configuration alone make it known.
        """
        ...
