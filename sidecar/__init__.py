"""The inference sidecar: a proxy in front of object-detection model servers that makes a deployed model visible.

The map of the house, in the order a request meets the rooms:

    types, hashing    frozen values and stable draws, shared by all, as are
    durations         lengths of time as people write them
    retrying, holm    when to try again; p-values of several tests, corrected
    proxy             a worker process: relays HTTP, knows nothing of JSON, detections or SQL
    link, shipping    the frames between a worker and the monitor; an exchange as bytes
    monitor           the monitor process: intake, and the pipeline decode -> record -> summarise -> sample
    dialects          one file per model server's wire format
    recording         the store; the only place with SQL
    summaries         the mergeable aggregate everything downstream reads
    drift             whether a period differs from another by more than its days do anyway: pure statistics
    alerts            rules, the table of their states, and the channels that tell people
    experiments       whether one version is better than another, however often one looks: pure statistics
    trials            A/B tests and shadow tests as they run: their sums, their life, their results
    watch             asks the store and lets drift and alerts judge: baselines, checks, rounds of alerts
    data_engine       which images are kept for review, and why
    review            what a reviewer may do with an image, and which to show next: pure
    feedback          how right a model is, by what reviewers and users say: pure statistics
    datasets          what is labeled as immutable versions, and the formats of other tools
    training          hands a version to a trainer, and takes in what it made
    streaming         the outbox to a monitoring backend
    access            who may ask for what: tokens, their scopes and their file
    api, dashboard    the admin port
    client            the Python client, a stranger to the server's code
    demo              an embedded detector with its scenes and traffic
    app               configuration, composition, the supervisor;  cli  the commands

No import runs back up this list; ``docs/architecture.md`` says which room may import which.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sidecar.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client", "__version__"]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """The client, imported when it is asked for: a proxy worker must not carry it."""
    if name in {"Client", "AsyncClient"}:
        from sidecar import client

        return getattr(client, name)
    raise AttributeError(f"module 'sidecar' has no attribute {name!r}")
