"""``sidecar experiment``: A/B tests and shadow tests together; each kind has commands of its own to begin one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from sidecar.cli import ab_test, shadow
from sidecar.cli.asking import PICKED_MAX, URL, Json, Token, Url, asking, fail, none_of, picked
from sidecar.cli.listing import listing
from sidecar.cli.text import document_text
from sidecar.cli.trials import AB_FLAGS, Model, Status, TestId

if TYPE_CHECKING:
    from sidecar.client import Client

app = typer.Typer(
    help="A/B tests and shadow tests together; without a subcommand they are listed. `sidecar ab-test` and `sidecar"
    " shadow` begin, change and end them."
)

AB = "ab_test"


@listing(app)
def list_experiments(
    context: typer.Context,
    status: Status = None,
    model: Model = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """A/B tests and shadow tests, those that run first. The word `list` may be left out."""
    with asking(context, url, token, AB_FLAGS | {"status": "--status"}) as client:
        found: list[Any] = [*client.ab_tests(model, status), *client.shadow_tests(model, status)]
    from sidecar.cli.show_trials import is_active

    found.sort(key=lambda test: (not is_active(test), -test.created_at))
    if as_json:
        print(document_text(found))
    elif not found:
        empty = "no tests; `sidecar ab-test create` and `sidecar shadow create` make one"
        print(none_of("tests", empty, status=status, model=model))
    else:
        from rich.console import Console

        from sidecar.cli import show_ab_test, show_shadow
        from sidecar.cli.show_trials import lines_of_tests

        subjects = [
            f"A/B test: {show_ab_test.subject(test)}"
            if test.kind == AB
            else f"shadow test: {show_shadow.subject(test)}"
            for test in found
        ]
        lines_of_tests(found, subjects, Console())


@app.command()
def show(context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """One test: what was asked for, how it stands, its epochs."""
    with asking(context, url, token, AB_FLAGS) as client:
        kind, wanted = _found(client, test_id)
    page = ab_test.show if kind == AB else shadow.show
    page(context, wanted, url, token, as_json)


@app.command()
def results(
    context: typer.Context, test_id: TestId, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """What a test comes to: of an A/B test which version is better, of a shadow test how far both agree."""
    with asking(context, url, token, AB_FLAGS) as client:
        kind, wanted = _found(client, test_id)
    page = ab_test.results if kind == AB else shadow.results
    page(context, wanted, url, token, as_json)


def _found(client: Client, wanted: str) -> tuple[str, str]:
    """Kind and id of the test that is meant. Ends the command where it could be several, or is none."""
    tests: list[Any] = [*client.ab_tests(), *client.shadow_tests()]
    meant = picked(tests, "id", wanted)
    kind = next((test.kind for test in tests if test.id == meant), None)
    if kind is None:
        there = f"; there are {', '.join(test.id for test in tests[:PICKED_MAX])}" if tests else ""
        fail(f"ID: no test is called {wanted!r}{there}")
    return kind, meant
