"""The part of the client for asyncio that is about models and their versions."""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.client import calls_models
from sidecar.client.aio_asking import AsyncAsking
from sidecar.client.records import Model, Models
from sidecar.client.results import Records


class AsyncModelMethods(AsyncAsking):
    """What ``AsyncClient`` can do about models."""

    async def register_model(
        self,
        name: str,
        version: str = "",
        url: str = "",
        path: str = "",
        description: str = "",
        metrics: Mapping[str, float] | None = None,
    ) -> Model:
        """Make a model known, or with ``version`` one version of it; its ``id`` goes wherever a model id is asked for.

        ``url`` (scheme, host, port) and ``path`` say where that version is served: tests can send traffic there then.
        Done again it changes what is given. Raises InvalidRequest naming what is wrong.
        """
        return await self._run(calls_models.register_model(name, version, url, path, description, metrics))

    async def get_model(self, model_id: str) -> Model:
        """A model by its name, or a version by ``name@version``: seen in traffic, configured, trained or registered.
        Raises NotFound naming those there are."""
        return await self._run(calls_models.model(model_id))

    async def models(self) -> Records[Model]:
        """All models and versions that are known, each model before its versions."""
        return await self._run(calls_models.models())

    async def model_figures(self) -> Models:
        """``figures`` of every model version since the monitor's start, and ``recorded``: the versions that the store
        has predictions of."""
        return await self._run(calls_models.model_figures())

    async def delete_model(self, model_id: str) -> Model:
        """Forget what was registered or trained under that id, of a model its versions too; returns it as it was.

        Raises NotFound, and InvalidRequest where it serves, is in a test or was never registered.
        """
        return await self._run(calls_models.delete_model(model_id))
