"""How commands ask a running sidecar: the options all of them have, and what becomes of its refusals."""

from __future__ import annotations

import contextlib
import getpass
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from sidecar.cli.certificates import OPTIONS, given, option
from sidecar.cli.text import clean

if TYPE_CHECKING:
    from sidecar.client import Client, SidecarError

T = TypeVar("T")

PICKED_MAX = 5
"""Ids that are offered where one was not clear."""
UNREACHABLE = "is a sidecar running there? --url names its admin port, or set SIDECAR_URL"
UNTRUSTED = "over https --ca-file names who signed its certificate, --cert-file and --key-file what it demands of you"
CONNECTION = {"base_url": "--url", "token": "--token"} | {name: option(name) for name in OPTIONS}
"""What on the command line an argument of the client is."""
POSITIONAL = ("of",)
"""Filters that stand on the command line without a flag."""
WHOLE_FILES = ("config", "labels")
"""Fields that are read from a file: a fault names the place in it."""
URL = "http://127.0.0.1:8081"
Url = Annotated[str, typer.Option("--url", envvar="SIDECAR_URL", help="The admin port of a running sidecar.")]
Token = Annotated[str | None, typer.Option("--token", envvar="SIDECAR_TOKEN", help="Where one is needed.")]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]
By = Annotated[str | None, typer.Option("--by", help="Who says so.  \\[default: your user name]")]
Limit = Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=100_000)]


def fail(message: str) -> NoReturn:
    """Faults go to standard error, one a line; the exit code of a wrong call is 2."""
    for line in message.splitlines():
        print(f"sidecar: {clean(line)}", file=sys.stderr)
    raise SystemExit(2)


@contextlib.contextmanager
def asking(
    context: typer.Context, url: str, token: str | None, flags: Mapping[str, str] | None = None
) -> Iterator[Client]:
    """A client; what it raises ends the command. ``flags`` say what on the command line a field of the API is.

    ``--url``, ``--token`` and those of TLS may also stand before the subcommand: ``sidecar alerts --url ... show ID``.
    """
    from sidecar.client import Client, ConnectionFailed, SidecarError

    asked = address(_given(context, "url", url))
    try:
        shown = given(context)
        made = Client(
            asked,
            token=_given(context, "token", token),
            ca_file=shown.get("ca_file"),
            cert_file=shown.get("cert_file"),
            key_file=shown.get("key_file"),
        )
    except (ValueError, OSError) as error:
        fail(str(error))
    except SidecarError as error:
        fail(refusal(error, CONNECTION))
    try:
        with made as client:
            yield client
    except ConnectionFailed as error:
        fail(f"{error}\n{UNREACHABLE}" + (f"\n{UNTRUSTED}" if asked.startswith("https:") else ""))
    except SidecarError as error:
        fail(refusal(error, flags or {}))


def address(url: str) -> str:
    """``--url``, which may leave out ``http://``.

    >>> address("localhost:8081"), address("https://sidecar.example.com")
    ('http://localhost:8081', 'https://sidecar.example.com')
    """
    return url if "://" in url else f"http://{url}"


def address_of(context: typer.Context, url: str) -> str:
    """The address that ``asking`` asks, without a slash at its end."""
    return address(_given(context, "url", url)).rstrip("/")


def none_of(things: str, empty: str, **filters: object) -> str:
    """What an empty list says: ``empty`` where it was asked for whole, else what none of its things match.

    >>> none_of("alerts", "no alerts yet", model="det", state=None), none_of("changes", "no changes", of="3f9c")
    ('no alerts match --model det', 'no changes match 3f9c')
    >>> none_of("alerts", "no alerts yet", model=None)
    'no alerts yet'
    """
    given = {name: value for name, value in filters.items() if value is not None}
    if not given:
        return empty
    return clean(f"no {things} match {' '.join(_typed(name, value) for name, value in given.items())}")


def _typed(name: str, value: object) -> str:
    """A filter as it was typed.

    >>> _typed("of", "3f9c"), _typed("unit", ""), _typed("min_confidence", 0.5), _typed("sampled", False)
    ('3f9c', "--unit ''", '--min-confidence 0.5', '--not-sampled')
    """
    if name in POSITIONAL:
        return str(value)
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--not-{flag}"
    return f"--{flag} {value if value != '' else repr('')}"


def _given(context: typer.Context, name: str, value: T) -> T:
    """``value``, unless the option stood before the subcommand only."""
    parent = context.parent
    if parent is not None and not typed(context, name) and typed(parent, name):
        outer: T = parent.params[name]
        return outer
    return value


def typed(context: Any, name: str) -> bool:
    """Whether an option was given in so many words, not by a variable or default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def refusal(error: SidecarError, flags: Mapping[str, str]) -> str:
    """What was wrong, a fault a line, in the words of the command line.

    >>> from sidecar.client import FieldError, InvalidRequest
    >>> refusal(InvalidRequest("no", errors=[FieldError("condition.min_samples", "is no number")]), {})
    '--min-samples: is no number'
    """
    if not error.errors:
        return str(error)
    return "\n".join(f"{_flag(fault.field, flags)}: {fault.message}" for fault in error.errors)


def _flag(field: str, flags: Mapping[str, str]) -> str:
    """
    >>> _flag("notify.0", {}), _flag("condition.for", {}), _flag("model_id", {"model_id": "MODEL"}), _flag("x", {})
    ('--notify', '--for', 'MODEL', 'x')
    >>> _flag("labels.3.box", {"labels": "--labels"}), _flag("scopes.0", {"scopes": "--scope"})
    ('--labels 3.box', '--scope')
    """
    if field in flags:
        return flags[field]
    head, _, rest = field.partition(".")
    if rest.isdigit() and head in flags and head not in WHOLE_FILES:
        return flags[head]
    if rest and head in WHOLE_FILES and head in flags:
        return f"{flags[head]} {rest}"
    if head == "condition" and rest:
        return f"--{rest.replace('_', '-')}"
    return "--notify" if head == "notify" else field


def picked(records: Sequence[Mapping[str, Any]], key: str, wanted: str) -> str:
    """The id of the record that ``wanted`` means: an id, the beginning of one, or a name that only one has.

    What nothing has is left as it is: the sidecar will say so. Ends the command where it could mean several.

    >>> picked([{"id": "3f9c", "name": "Low"}, {"id": "3f01", "name": "Errors"}], "id", "Low")
    '3f9c'
    """
    if not wanted or any(record[key] == wanted for record in records):
        return wanted
    found = [record for record in records if record[key].startswith(wanted) or record["name"] == wanted]
    if len(found) > 1:
        fail(f"ID: {wanted!r} may be {' or '.join(record[key] for record in found[:PICKED_MAX])}")
    return str(found[0][key]) if found else wanted


def by_whom(by: str | None) -> str:
    """``--by``; by default who is at the terminal."""
    return user() if by is None else by


def user() -> str:
    """Who is at the terminal; in a container without accounts, nobody in particular."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"
