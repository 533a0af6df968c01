"""``sidecar status``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from sidecar.cli.asking import URL, Json, Token, Url, asking
from sidecar.cli.text import document_text

TESTS_SHOWN = 5


def status(context: typer.Context, url: Url = URL, token: Token = None, as_json: Json = False) -> None:
    """How a running sidecar is: workers, upstreams, store, tests under way, what was dropped. Exit code 1 where
    something is wrong."""
    with asking(context, url, token) as client:
        answer = client.status()
        tests: list[Any] = [] if as_json else [*client.ab_tests(), *client.shadow_tests()]
        who = None if as_json else client.whoami()
    if as_json:
        print(document_text(answer))
    else:
        from sidecar.cli.show_status import status_tables

        status_tables(answer, who)
        _tests_line([test for test in tests if test.status in ("running", "paused")])
    raise SystemExit(0 if answer.ok else 1)


def _tests_line(tests: Sequence[Mapping[str, Any]]) -> None:
    """Tests of versions that are under way, where there are any."""
    if not tests:
        return
    from rich.console import Console

    from sidecar.cli.show_trials import under_way_text
    from sidecar.cli.tables import hanging, text

    said = ", ".join(map(under_way_text, tests[:TESTS_SHOWN]))
    more = f" and {len(tests) - TESTS_SHOWN:,} more" if len(tests) > TESTS_SHOWN else ""
    hanging(Console(), text(f"{said}{more}"), len("tests: "), text("tests: "))
