"""Which outputs of registered versions stay: those of the newest of each model, and those that are needed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set

from sidecar.recording.loop_rows import ModelVersionRow
from sidecar.training.job import Job

REGISTERED_OUTPUTS_KEPT = 10
"""Outputs of a model's newest versions; older ones stay while they serve, are in a test, or are an open job's base."""


def needed_versions(in_use: Iterable[tuple[str, str]], open_jobs: Iterable[Job]) -> set[tuple[str, str]]:
    """(model, version) of those whose output must stay; the model is empty where it may be any."""
    return {*in_use, *((job.model, job.base_version) for job in open_jobs)}


def outputs_to_drop(
    rows: Sequence[ModelVersionRow], needed: Set[tuple[str, str]], kept: int = REGISTERED_OUTPUTS_KEPT
) -> list[ModelVersionRow]:
    """Of ``rows``, newest first, those whose output goes.

    >>> rows = [ModelVersionRow("det", v, 0.0, f"j{v}", {"output": f"jobs/j{v}/output"}) for v in ("3", "2", "1")]
    >>> [row.version for row in outputs_to_drop(rows, {("det", "1")}, kept=1)]
    ['2']
    """
    seen: Counter[str] = Counter()
    gone = []
    for row in rows:
        if not row.document.get("output"):
            continue
        seen[row.model] += 1
        if seen[row.model] > kept and not needed & {(row.model, row.version), ("", row.version)}:
            gone.append(row)
    return gone


def without_output(row: ModelVersionRow) -> ModelVersionRow:
    """The version as it is told of once its output is gone."""
    document = {**row.document, "output": None}
    return ModelVersionRow(row.model, row.version, row.created_at, row.job_id, document)
