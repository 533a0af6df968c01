"""Datasets and their versions as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from sidecar.cli.completing import SPLITS
from sidecar.cli.show_trials import named
from sidecar.cli.tables import facts, hanging, row, table, text
from sidecar.cli.text import counted, moment, size

CLASSES_SHOWN = 20
EXAMPLES_SHOWN = 5
Dataset = Mapping[str, Any]
Version = Mapping[str, Any]


def queues_of(dataset: Dataset) -> tuple[int, int]:
    """How many wait in the value queue and in the audit, those just claimed included.

    >>> queues_of({"by_status": {"needs_review": 5, "in_review": 1}, "audit": {"waiting": 2}})
    (4, 2)
    """
    status = dataset["by_status"]
    audit = dataset["audit"]["waiting"]
    return status.get("needs_review", 0) + status.get("in_review", 0) - audit, audit


def datasets_table(datasets: Sequence[Dataset], console: Console) -> None:
    """All datasets, a line each."""
    numbers = ("items", "to review", "labeled", "rejected", "versions", "size")
    made = table("dataset", *numbers, right=numbers)
    for item in datasets:
        status = item["by_status"]
        counts = (item["items"], sum(queues_of(item)), status.get("labeled", 0), status.get("rejected", 0))
        row(made, item["id"], *(f"{n:,}" for n in (*counts, item["versions"])), size(item["bytes"]))
    console.print(made)


def queues_table(datasets: Sequence[Dataset], console: Console) -> None:
    """What waits for a review, dataset by dataset."""
    numbers = ("value", "audit", "claimed", "labeled", "rejected", "audited")
    made = table("dataset", *numbers, right=numbers)
    for item in datasets:
        status, audit = item["by_status"], item["audit"]
        counts = (*queues_of(item), *(status.get(name, 0) for name in ("in_review", "labeled", "rejected")))
        row(made, item["id"], *(f"{n:,}" for n in counts), f"{audit['reviewed']:,} of {audit['sampled']:,}")
    console.print(made)


def dataset_facts(dataset: Dataset, console: Console) -> None:
    """One dataset with all its figures."""
    value, audit = queues_of(dataset)
    status, drawn = dataset["by_status"], dataset["audit"]
    claimed = status.get("in_review", 0)
    sampled = f"{drawn['reviewed']:,} of {drawn['sampled']:,} drawn images reviewed" if drawn["sampled"] else ""
    hanging(console, text(dataset["name"], "bold"), 0)
    facts(
        console,
        [
            ("id", dataset["id"]),
            ("made (UTC)", f"{moment(dataset['created_at'])[:16]}, " + _ORIGINS.get(dataset["origin"], "")),
            ("items", f"{dataset['items']:,}, {size(dataset['bytes'])}"),
            (
                "to review",
                f"{value:,} by value, {audit:,} in the audit" + (f"; {claimed:,} claimed" if claimed else ""),
            ),
            ("reviewed", f"{status.get('labeled', 0):,} labeled, {status.get('rejected', 0):,} rejected"),
            ("audit", sampled),
            ("boxes", _listed({name: f"{n:,}" for name, n in dataset["classes"].items()})),
            ("versions", f"{dataset['versions']:,}"),
        ],
    )


_ORIGINS = {"person": "by a person", "auto": "by itself, for a model's first image"}


def _listed(by_name: Mapping[str, str]) -> str:
    shown = ", ".join(f"{name} {value}" for name, value in list(by_name.items())[:CLASSES_SHOWN])
    return shown + (f" and {len(by_name) - CLASSES_SHOWN:,} more" if len(by_name) > CLASSES_SHOWN else "")


def versions_table(versions: Sequence[Version], console: Console) -> None:
    """Versions, newest first."""
    made = table("version", "name", "made (UTC)", "items", "boxes", "train/val/test", right=("items", "boxes"))
    made.columns[0].no_wrap = made.columns[2].no_wrap = True
    for item in versions:
        counts = (f"{item['items']:,}", f"{item['counts']['boxes']:,}")
        row(made, item["id"], named(item["name"]), moment(item["created_at"])[:16], *counts, _splits(item))
    console.print(made)


def _splits(version: Version) -> str:
    splits = version["counts"]["splits"]
    return "/".join(f"{splits.get(name, {}).get('images', 0):,}" for name in SPLITS)


def version_facts(version: Version, console: Console) -> None:
    """One version with what is in it."""
    counts = version["counts"]
    groups = counts["groups"]
    hanging(console, text(version["name"] or version["id"], "bold"), 0)
    kept = f"{counted(groups['groups'], 'group')} of like images, the largest of {groups['largest']:,}"
    if groups["conflicts"]:
        kept += f"; {groups['conflicts']:,} span several splits, as earlier versions had them"
    facts(
        console,
        [
            ("id", version["id"]),
            ("dataset", version["dataset_id"]),
            ("follows", version["parent_id"] or "no other"),
            ("made (UTC)", moment(version["created_at"])[:16] + (f" by {version['by']}" if version["by"] else "")),
            ("items", f"{version['items']:,}, {size(version['bytes'])}"),
            ("deleted since", f"{counts['deleted']:,}" if counts["deleted"] else ""),
            ("train/val/test", _splits(version)),
            ("kept together", kept if groups["groups"] else ""),
            ("content", version["content"]),
        ],
    )
    if counts["classes"]:
        made = table("class", "boxes", "images", right=("boxes", "images"))
        for name, item in list(counts["classes"].items())[:CLASSES_SHOWN]:
            row(made, named(name), f"{item['boxes']:,}", f"{item['images']:,}")
        console.print()
        console.print(made)
        _left_out(len(counts["classes"]), console)


def _left_out(classes: int, console: Console) -> None:
    if classes > CLASSES_SHOWN:
        console.print(text(f"and {classes - CLASSES_SHOWN:,} more", "dim"))


def diff_page(diff: Mapping[str, Any], console: Console) -> None:
    """What changed: counts, boxes by class, and a few of the items."""
    hanging(console, text(f"{diff['base_id']} to {diff['id']}", "bold"), 0)
    kinds = ("added", "removed", "relabeled")
    entries = []
    for kind in kinds:
        ids = diff["examples"][kind][:EXAMPLES_SHOWN]
        more = ", ..." if diff[kind] > len(ids) else ""
        entries.append((kind, f"{diff[kind]:,}" + (f": {', '.join(ids)}{more}" if ids else "")))
    facts(console, entries)
    changed = {name: item for name, item in diff["classes"].items() if item["before"] != item["after"]}
    if changed:
        made = table("class", "boxes before", "after", "change", right=("boxes before", "after", "change"))
        for name, item in list(changed.items())[:CLASSES_SHOWN]:
            change = f"{item['after'] - item['before']:+,}"
            row(made, named(name), f"{item['before']:,}", f"{item['after']:,}", change)
        console.print()
        console.print(made)
        _left_out(len(changed), console)
