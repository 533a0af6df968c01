"""What a shell completes: ids and names, asked of the sidecar, and words that an option takes.

A sidecar that does not answer at once is left alone: nothing is offered then, and nothing is said.

Shells evaluate what they are offered, and names come from outside. So only what is made of harmless characters is
offered, whoever called it so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import typer

from sidecar.cli.asking import address
from sidecar.cli.certificates import given

if TYPE_CHECKING:
    from sidecar.client import Client

TIMEOUT_S = 1.0
"""Longer nobody waits for the Tab key."""
OFFERED_MAX = 200
_HARMLESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_@.+/-]{0,127}")
_HARMFUL = re.compile(r"[^A-Za-z0-9_@.+/%, -]")
STATUSES = ("needs_review", "in_review", "labeled", "rejected")
"""Of images that were kept."""
SPLITS = ("train", "val", "test")
"""Of images that are in a version."""
REASONS = (
    "random_sample",
    "low_confidence",
    "close_to_threshold",
    "no_detections",
    "high_density",
    "unusual_size",
    "new_class",
    "rare_class",
    "disagreement",
)
"""For which they were kept; the rules of classes have theirs beside these."""
Offer = tuple[str, str]
"""A word and what it means."""
Complete = Callable[[typer.Context, str], list[Offer]]


def one_of(*words: str) -> Callable[[str], list[str]]:
    """Completes one of ``words``.

    >>> one_of("running", "paused")("r")
    ['running']
    """
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


def models(context: typer.Context, incomplete: str) -> list[Offer]:
    """Models, and their versions as NAME@VERSION."""
    return _offered(context, incomplete, _models)


def model_names(context: typer.Context, incomplete: str) -> list[Offer]:
    """Models by their names alone."""
    return _offered(context, incomplete, lambda client: (offer for offer in _models(client) if "@" not in offer[0]))


def versions(context: typer.Context, incomplete: str) -> list[Offer]:
    """Versions of models, as NAME@VERSION."""
    return _offered(context, incomplete, lambda client: (offer for offer in _models(client) if "@" in offer[0]))


def alerts(context: typer.Context, incomplete: str) -> list[Offer]:
    """Alerts by id."""
    return _offered(context, incomplete, lambda client: ((it.alert_id, it.name) for it in client.alerts()))


def baselines(context: typer.Context, incomplete: str) -> list[Offer]:
    """Baselines by id."""
    return _offered(context, incomplete, lambda client: ((it.baseline_id, it.name) for it in client.baselines()))


def tests(context: typer.Context, incomplete: str) -> list[Offer]:
    """Tests by id: A/B tests, shadow tests or both, by the command they are for."""
    group = context.parent.info_name if context.parent is not None else None

    def found(client: Client) -> Iterator[Offer]:
        if group != "shadow":
            yield from ((it.id, f"{it.name}, {it.status}") for it in client.ab_tests())
        if group != "ab-test":
            yield from ((it.id, f"{it.name}, {it.status}") for it in client.shadow_tests())

    return _offered(context, incomplete, found)


def datasets(context: typer.Context, incomplete: str) -> list[Offer]:
    """Datasets by id."""
    return _offered(context, incomplete, lambda client: ((it.id, it.name) for it in client.datasets()))


def dataset_versions(context: typer.Context, incomplete: str) -> list[Offer]:
    """Versions of all datasets by id."""
    return _offered(
        context,
        incomplete,
        lambda client: (
            (it.id, f"{it.name} of {of.id}") for of in client.datasets() for it in client.dataset_versions(of.id)
        ),
    )


def jobs(context: typer.Context, incomplete: str) -> list[Offer]:
    """Training jobs by id."""
    return _offered(
        context, incomplete, lambda client: ((it.id, f"{it.name}, {it.status}") for it in client.training_jobs())
    )


def alert_metrics(context: typer.Context, incomplete: str) -> list[Offer]:
    """What an alert can watch."""
    return _offered(context, incomplete, lambda client: ((it.metric, it.unit) for it in client.alert_metrics()))


def ab_test_metrics(context: typer.Context, incomplete: str) -> list[Offer]:
    """What an A/B test can be about."""
    return _offered(context, incomplete, lambda client: ((it.metric, it.direction) for it in client.ab_test_metrics()))


def tokens(context: typer.Context, incomplete: str) -> list[Offer]:
    """Tokens by id, those that were not revoked."""
    return _offered(
        context, incomplete, lambda client: ((it.id, it.name) for it in client.tokens() if it.revoked_at is None)
    )


def _models(client: Client) -> Iterator[Offer]:
    for item in client.models():
        yield item.id, ""


def _offered(
    context: typer.Context, incomplete: str, ask: Callable[[Client], Iterable[tuple[Any, Any]]]
) -> list[Offer]:
    """What ``ask`` gives of what begins with ``incomplete``."""
    try:
        with _client(context) as client:
            return list(islice(harmless(ask(client), incomplete), OFFERED_MAX))
    except Exception:  # whatever it is, a message would stand in the middle of the line that is typed
        return []


def _client(context: typer.Context) -> Client:
    """Who would be asked by the command, as far as it stands on the line or in the environment."""
    from sidecar.client import Client

    url = _given(context, "url")  # None of a group that does not ask itself: all comes from the environment then
    return Client(
        None if url is None else address(url),
        _given(context, "token"),
        TIMEOUT_S,
        sleep=_no_second_try,
        **given(context),
    )


def _given(context: typer.Context, name: str) -> Any:
    """The option where it was typed, the command itself before its group; else as the command has it."""
    here: Any = context
    while here is not None:
        source = here.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            return here.params[name]
        here = here.parent
    return context.params.get(name)


def _no_second_try(_: float) -> None:
    raise TimeoutError


def harmless(offers: Iterable[tuple[Any, Any]], incomplete: str = "") -> Iterator[Offer]:
    """Of offers what begins with ``incomplete`` and holds nothing that a shell would take for more than a word.

    >>> list(harmless([("det@1", "Tom's"), ("$(reboot)", ""), ("-x", ""), ("a b", ""), ("gate", "")], "d"))
    [('det@1', 'Tom s')]
    """
    for word, meaning in offers:
        if isinstance(word, str) and word.startswith(incomplete) and _HARMLESS.fullmatch(word):
            yield word, _HARMFUL.sub(" ", str(meaning))
