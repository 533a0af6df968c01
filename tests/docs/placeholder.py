"""What a placeholder of a shell example stands for: ``python tests/docs/placeholder.py NAME`` prints it.

It asks the sidecar of the page, at ``SIDECAR_URL``, at the moment the command is run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from sidecar import Client


def _item(client: Client) -> str:
    """What was claimed and waits for its review, as after ``sidecar review next``."""
    asked = ({"status": "in_review"}, {"status": "in_review", "queue": "audit"})
    items = (client.flagged_items(dataset.id, **filters) for dataset in client.datasets() for filters in asked)
    return str(next(item.id for of_dataset in items for item in of_dataset))


def _job(client: Client) -> str:
    return str(client.training_jobs()[0].id)


def _version(client: Client) -> str:
    return str(next(version.id for dataset in client.datasets() for version in client.dataset_versions(dataset.id)))


def _prediction_id(client: Client) -> str:
    return str(next(iter(client.predictions())).prediction_id)


PLACEHOLDERS: dict[str, Callable[[Client], str]] = {
    "ITEM": _item,
    "JOB": _job,
    "VERSION": _version,
    "PREDICTION_ID": _prediction_id,
}
"""Whatever else is written in capitals is a mistake of the page."""


if __name__ == "__main__":
    with Client(os.environ["SIDECAR_URL"]) as asked:
        print(PLACEHOLDERS[sys.argv[1]](asked))
