"""``sidecar token``: who may do what on the admin port. It works on a sidecar's data folder, running or not, or
asks a running one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from sidecar.cli.asking import URL, Json, Token, Url, asking, fail, picked
from sidecar.cli.completing import one_of
from sidecar.cli.completing import tokens as known
from sidecar.cli.listing import listing
from sidecar.cli.text import clean, document_text
from sidecar.durations import duration_text, parse_duration

app = typer.Typer(help="Tokens of the admin port; without a subcommand they are listed.")

T = TypeVar("T")
DATA_DIR = Path("sidecar-data")
"""Where ``sidecar run`` keeps its data unless it is told."""
DataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="SIDECAR_DATA_DIR",
        help="Data folder of the sidecar, in place of --url; it need not run.  \\[default: sidecar-data, if there]",
    ),
]
_FLAGS = {"name": "NAME", "scopes": "--scope", "expires_at": "--expires", "expires_in": "--expires", "token_id": "ID"}


@listing(app)
def list_tokens(
    context: typer.Context, data_dir: DataDir = None, url: Url = URL, token: Token = None, as_json: Json = False
) -> None:
    """Tokens, newest first, those that have ended among them. The word `list` may be left out."""
    folder = _folder(context, data_dir)
    found: Sequence[Mapping[str, Any]]
    if folder is not None:
        found = _in_folder(folder, _documents)
    else:
        with asking(context, url, token, _FLAGS) as client:
            found = client.tokens()
    if as_json:
        print(document_text(list(found)))
    elif not found:
        print("no tokens; `sidecar token create NAME` makes one")
    else:
        from rich.console import Console

        from sidecar.cli.show_tokens import tokens_table

        tokens_table(found, Console())


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for, such as the program that shows it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it is for: read, feedback, review or admin; may be repeated.  \\[default: read]",
            autocompletion=one_of("read", "feedback", "review", "admin"),
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(help="When it ends: in 90d, or on 2030-01-31.  \\[default: when it is revoked]"),
    ] = None,
    data_dir: DataDir = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Make a token. Its secret goes to standard output, this once: it is kept nowhere."""
    scopes, ends_at = scope or ["read"], None if expires is None else _end_of(expires)
    folder = _folder(context, data_dir)
    made: Mapping[str, Any]
    if folder is not None:
        made = _in_folder(folder, lambda file: _made(file, name, scopes, ends_at), may_make=True)
    else:
        with asking(context, url, token, _FLAGS) as client:
            end = None if ends_at is None else datetime.fromtimestamp(ends_at, UTC)
            made = client.create_token(name, scopes, end)
    if as_json:
        print(document_text(made))
        return
    from sidecar.cli.show_tokens import made_text

    print(clean(made_text(made)), file=sys.stderr)
    print("keep it now, it is not shown again:", file=sys.stderr)
    print(made["token"])


@app.command()
def revoke(
    context: typer.Context,
    token_id: Annotated[
        str,
        typer.Argument(metavar="ID", help="A token: its id, the beginning of it, or its name.", autocompletion=known),
    ],
    data_dir: DataDir = None,
    url: Url = URL,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """End a token at once and for good, and the sessions of the dashboard that were begun with it."""
    folder = _folder(context, data_dir)
    ended: Mapping[str, Any]
    if folder is not None:
        ended = _in_folder(folder, lambda file: _revoked(file, token_id))
    else:
        with asking(context, url, token, _FLAGS) as client:
            ended = client.revoke_token(_meant(client.tokens(), token_id))
    print(document_text(ended) if as_json else clean(f"token {ended['name']} ({ended['id']}) is revoked"))


def _folder(context: typer.Context, data_dir: Path | None) -> Path | None:
    """The data folder to work on; None: ask the sidecar at --url. What is typed wins over the environment."""
    outer: Any = context.parent
    named: Path | None = data_dir or outer.params.get("data_dir")
    by = {name: _source(context, name) for name in ("data_dir", "url")}
    if by["data_dir"] == by["url"] == "COMMANDLINE":
        fail("--data-dir: goes in place of --url, not beside it")
    if by["url"] == "COMMANDLINE" or (by["url"] == "ENVIRONMENT" and named is None):
        return None
    return named if named is not None or not DATA_DIR.is_dir() else DATA_DIR


def _source(context: Any, name: str) -> str:
    """Where an option comes from, which may stand before the subcommand too: COMMANDLINE, ENVIRONMENT or DEFAULT."""
    found = [place.get_parameter_source(name) for place in (context, context.parent)]
    names = {source.name for source in found if source is not None}
    return next((name for name in ("COMMANDLINE", "ENVIRONMENT") if name in names), "DEFAULT")


def _in_folder(folder: Path, work: Callable[[Any], T], may_make: bool = False) -> T:
    """What ``work`` gives of the file of tokens in ``folder``; what goes wrong ends the command."""
    from sidecar.access import TokenFile

    if not folder.is_dir() and not (may_make and not folder.exists()):
        fail(f"--data-dir: {folder} is no folder; name the data folder of a sidecar, or ask one with --url")
    try:
        return work(TokenFile(folder))
    except OSError as error:
        fail(f"--data-dir: {error.filename or folder}: {error.strerror}")
    except ValueError as error:
        fail(str(error))


def _documents(file: Any) -> list[dict[str, Any]]:
    now = time.time()
    return [token.document(now) for token in reversed(file.tokens())]


def _made(file: Any, name: str, scopes: Sequence[str], ends_at: float | None) -> dict[str, Any]:
    from sidecar.access import scopes_from
    from sidecar.access.tokens import name_from

    faults, now = [], time.time()
    for flag, check in (("NAME", lambda: name_from(name)), ("--scope", lambda: scopes_from(scopes))):
        try:
            check()
        except ValueError as error:
            faults.append(f"{flag}: {error}")
    if ends_at is not None and ends_at <= now:
        faults.append("--expires: must be in the future")
    if faults:
        raise ValueError("\n".join(faults))
    token, secret = file.create(name, scopes_from(scopes), now, ends_at)
    return {**token.document(now), "token": secret}


def _revoked(file: Any, token_id: str) -> dict[str, Any]:
    now = time.time()
    token = file.revoke(_meant(_documents(file), token_id), now)
    if token is None:
        raise ValueError(f"ID: no token has the id {token_id!r}")
    document: dict[str, Any] = token.document(now)
    return document


def _meant(found: Sequence[Mapping[str, Any]], wanted: str) -> str:
    """The id that ``wanted`` means; a name is that of the token which is not revoked, where there is one."""
    held = [token for token in found if token["revoked_at"] is None]
    token_id = picked(held, "id", wanted)
    return token_id if token_id != wanted else picked(found, "id", wanted)


def _end_of(given: str) -> float:
    """When a token ends, as it is typed: a length of time from now on, a day's beginning in UTC, or a time."""
    from sidecar.access.tokens import LASTS_S_MAX

    now = time.time()
    try:
        ends_at = now + parse_duration(given)
    except ValueError:
        try:
            found = datetime.fromisoformat(given)
            ends_at = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            fail(f"--expires: {given!r} is no time, expected e.g. 90d, 2030-01-31 or 2030-01-31T08:00:00Z")
    if ends_at - now > LASTS_S_MAX:
        fail(f"--expires: must be at most {duration_text(LASTS_S_MAX)} from now; leave it out for a token without end")
    return ends_at
