"""The part of ``sidecar dataset`` that is about versions, and about labels that go to other tools and come back."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecar.cli.asking import URL, By, Json, Token, Url, asking, by_whom, fail, picked
from sidecar.cli.completing import dataset_versions, datasets, one_of
from sidecar.cli.text import clean, document_text, short, size

if TYPE_CHECKING:
    from sidecar.client import Client

DatasetId = Annotated[
    str,
    typer.Argument(metavar="ID", help="A dataset: its id, the beginning of it, or its name.", autocompletion=datasets),
]
VersionId = Annotated[
    str,
    typer.Argument(
        metavar="VERSION",
        help="A version: its id, the beginning of it, or a name only one has.",
        autocompletion=dataset_versions,
    ),
]
LABELS_BYTES_MAX = 64 * 1024 * 1024
"""What the sidecar takes of labels at once."""
_WHOLE_ID = re.compile(r"[0-9a-f]{16}")
_FLAGS = {
    "dataset_id": "ID",
    "version_id": "VERSION",
    "name": "NAME",
    "parent_version_id": "--parent",
    "base": "--base",
    "format": "--format",
    "items": "ID",
    "by": "--by",
    "body": "FILE",
}


def version(
    context: typer.Context,
    dataset_id: DatasetId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the version is called, such as v1.")],
    parent: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The version it follows.", autocompletion=dataset_versions)
    ] = None,
    by: By = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Freeze what is labeled now as a version, which never changes; the same again is the same version."""
    with asking(context, url, token, _FLAGS) as client:
        of = picked(client.datasets(), "id", dataset_id)
        follows = None if parent is None else picked(client.dataset_versions(of), "id", parent)
        made = client.create_dataset_version(of, follows, name, by_whom(by))
    _facts(made, as_json)


def versions(
    context: typer.Context, dataset_id: DatasetId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """Versions of a dataset, newest first."""
    with asking(context, url, token, _FLAGS) as client:
        of = picked(client.datasets(), "id", dataset_id)
        found = client.dataset_versions(of)
    if as_json:
        print(document_text(found))
    elif not found:
        print(clean(f"no versions; `sidecar dataset version {of} NAME` makes one of what is labeled"))
    else:
        from rich.console import Console

        from sidecar.cli.show_dataset import versions_table

        versions_table(found, Console())


def show_version(
    context: typer.Context, version_id: VersionId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """One version: its classes and splits, and what of it was deleted since."""
    with asking(context, url, token, _FLAGS) as client:
        found = client.dataset_version(version_named(client, version_id))
    _facts(found, as_json)


def diff(
    context: typer.Context,
    version_id: VersionId,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="What it is compared with.  \\[default: its parent]",
            autocompletion=dataset_versions,
        ),
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """What a version adds to another, takes from it and labels anew."""
    with asking(context, url, token, _FLAGS) as client:
        wanted = version_named(client, version_id)
        found = client.diff_dataset_versions(wanted, None if base is None else version_named(client, base))
    if as_json:
        print(document_text(found))
    else:
        from rich.console import Console

        from sidecar.cli.show_dataset import diff_page

        diff_page(found, Console())


def export(
    context: typer.Context,
    version_id: VersionId,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="coco, yolo, voc, label_studio, fiftyone or cvat.",
            autocompletion=one_of("coco", "yolo", "voc", "label_studio", "fiftyone", "cvat"),
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The zip file to write.  \\[default: DATASET-ID-FORMAT.zip]"
        ),
    ] = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Save a version with its images as a zip file."""
    from sidecar.cli.progress import bytes_bar

    with asking(context, url, token, _FLAGS) as client:
        found = client.dataset_version(version_named(client, version_id))
        path = output or Path(f"{found.dataset_id}-{short(found.id)}-{format_}.zip".replace("/", "_"))
        try:
            with bytes_bar(f"exporting {clean(found.name or found.id)}") as there:
                client.export_dataset_version(found.id, format_, path, there)
            written = path.stat().st_size
        except OSError as error:
            fail(f"--output: {path}: {error.strerror or error}")
    if as_json:
        print(document_text({"file": str(path), "format": format_, "bytes": written}))
    else:
        print(clean(f"wrote {path} ({size(written)})"))


def import_labels(
    context: typer.Context,
    dataset_id: DatasetId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What the other tool exported, JSON.")],
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help="coco or label_studio.", autocompletion=one_of("coco", "label_studio")
        ),
    ],
    by: By = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Take labels from another tool's file.

    What has a fault is left out and told, and the exit code is 1 then.
    """
    from sidecar.cli.progress import waiting

    try:
        length = file.stat().st_size
    except OSError as error:
        fail(f"FILE: {file}: {error.strerror or error}")
    if length > LABELS_BYTES_MAX:
        fail(f"FILE: {file}: {size(length)}, at most {size(LABELS_BYTES_MAX)} are taken at once")
    with asking(context, url, token, _FLAGS) as client:
        of = picked(client.datasets(), "id", dataset_id)
        try:
            with waiting(f"importing {size(length)}"):
                found = client.import_labels(of, format_, file, by_whom(by))
        except OSError as error:
            fail(f"FILE: {file}: {error.strerror or error}")
    if as_json:
        print(document_text(found))
    else:
        for fault in found.faults:
            print(clean(f"sidecar: {fault.field}: {fault.message}"), file=sys.stderr)
        print(f"{found.labeled:,} labeled, {found.unchanged:,} unchanged, {found.unknown:,} not in the dataset")
    raise SystemExit(1 if found.faults else 0)


def version_named(client: Client, wanted: str) -> str:
    """The id of the version that is meant, of whatever dataset."""
    if _WHOLE_ID.fullmatch(wanted):
        return wanted
    return picked(
        [found for dataset in client.datasets() for found in client.dataset_versions(dataset.id)], "id", wanted
    )


def _facts(found: Any, as_json: bool) -> None:
    if as_json:
        print(document_text(found))
        return
    from rich.console import Console

    from sidecar.cli.show_dataset import version_facts

    version_facts(found, Console())
