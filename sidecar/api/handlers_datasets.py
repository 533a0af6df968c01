"""The endpoints of datasets and their versions."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web

from sidecar.api import schemas_datasets as schemas
from sidecar.api.datasets import DatasetVersions
from sidecar.api.lending import LentFile
from sidecar.api.review import Review
from sidecar.api.routes import Call, Route, there


def _review(call: Call) -> Review:
    return there(call.services.review)


def _versions(call: Call) -> DatasetVersions:
    return there(call.services.dataset_versions)


async def datasets(call: Call) -> dict[str, Any]:
    """Datasets and what is in them."""
    return {"items": list(await _review(call).datasets())}


async def create_dataset(call: Call) -> dict[str, Any]:
    """Make a dataset."""
    body: schemas.DatasetBody = call.body
    return dict(await _review(call).create_dataset(body.name, body.id))


async def dataset(call: Call) -> dict[str, Any]:
    """One dataset and what is in it."""
    return dict(await _review(call).dataset(call.path["dataset_id"]))


async def dataset_versions(call: Call) -> dict[str, Any]:
    """Versions of a dataset, newest first."""
    return {"items": list(await _versions(call).list(call.path["dataset_id"]))}


async def create_dataset_version(call: Call) -> dict[str, Any]:
    """Freeze what is labeled as a version. The same again gives the same version."""
    body: schemas.VersionBody = call.body
    return dict(await _versions(call).create(call.path["dataset_id"], body.parent_version_id, body.name, body.by))


async def import_labels(call: Call) -> dict[str, Any]:
    """Take labels of another tool for items of a dataset. What has a fault is left out."""
    query: schemas.LabelsQuery = call.query
    body: schemas.LabelsBody = call.body
    return dict(await _versions(call).import_labels(call.path["dataset_id"], query.format, body.root, query.by))


async def dataset_version(call: Call) -> dict[str, Any]:
    """One version and what is in it."""
    return dict(await _versions(call).get(call.path["version_id"]))


async def diff_dataset_versions(call: Call) -> dict[str, Any]:
    """What a version adds, leaves out and labels otherwise."""
    query: schemas.DiffQuery = call.query
    return dict(await _versions(call).diff(call.path["version_id"], query.base))


async def export_dataset_version(call: Call) -> web.StreamResponse:
    """A version with its images, for a trainer or another tool, as a zip file."""
    query: schemas.ExportQuery = call.query
    name = f"{_plain(call.path['version_id'])}-{query.format}.zip"
    async with AsyncExitStack() as stack:
        path = await stack.enter_async_context(_versions(call).export(call.path["version_id"], query.format))
        headers = {
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return LentFile(path, headers, stack.pop_all())


def _plain(text: str) -> str:
    """``text`` fit for a file's name everywhere.

    >>> _plain('a"b/../c')
    'a-b-..-c'
    """
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:63]


_DATASET = "/api/v1/datasets/{dataset_id}"
_VERSION = "/api/v1/dataset-versions/{version_id}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/datasets", "Datasets", datasets, gives=schemas.DatasetsOut),
    Route(
        "POST",
        "/api/v1/datasets",
        "Make a dataset",
        create_dataset,
        body=schemas.DatasetBody,
        gives=schemas.Dataset,
    ),
    Route("GET", _DATASET, "One dataset", dataset, gives=schemas.Dataset),
    Route("GET", f"{_DATASET}/versions", "Versions of a dataset", dataset_versions, gives=schemas.DatasetVersionsOut),
    Route(
        "POST",
        f"{_DATASET}/versions",
        "Make a version of a dataset",
        create_dataset_version,
        body=schemas.VersionBody,
        gives=schemas.DatasetVersion,
    ),
    Route(
        "POST",
        f"{_DATASET}/labels",
        "Take labels of another tool",
        import_labels,
        query=schemas.LabelsQuery,
        body=schemas.LabelsBody,
        gives=schemas.LabelImport,
        body_bytes_max=schemas.LABELS_BYTES_MAX,
    ),
    Route("GET", _VERSION, "One version of a dataset", dataset_version, gives=schemas.DatasetVersion),
    Route(
        "GET",
        f"{_VERSION}/diff",
        "What a version changes",
        diff_dataset_versions,
        query=schemas.DiffQuery,
        gives=schemas.VersionDiff,
    ),
    Route(
        "GET",
        f"{_VERSION}/export",
        "A version as a zip file",
        export_dataset_version,
        query=schemas.ExportQuery,
        media_type="application/zip",
    ),
)
