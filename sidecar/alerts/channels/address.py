"""Where an alert is sent, as a person writes it: ``email:team@company.com``, ``slack:#ml-alerts``, ..."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

Kind = Literal["email", "slack", "webhook", "alertmanager", "apprise"]
KINDS: tuple[str, ...] = get_args(Kind)
FORMS = (
    "email:team@company.com, slack:#ml-alerts, webhook:NAME, webhook:https://host/path, alertmanager, "
    "alertmanager:NAME or apprise:NAME"
)
ADDRESS_CHARACTERS_MAX = 2_048

# No quoted local parts, lists, comments or display names: what a header or an SMTP command could read otherwise.
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_SLACK = re.compile(r"[#@]?[^\s#@:,<>&|*]{1,80}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Address:
    """A channel's kind and what it is aimed at: a mailbox, a Slack channel, a name from the configuration or a URL."""

    kind: Kind
    target: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}" if self.target else self.kind

    @property
    def shown(self) -> str:
        """For logs: as written, but of a URL only scheme and host, because its path may be a secret."""
        return f"{self.kind}:{redacted(self.target)}" if self.target else self.kind


def parse_address(text: str) -> Address:
    """The address that ``text`` stands for. Raises ValueError saying what would be right.

    >>> parse_address("slack:#ml-alerts"), str(parse_address("alertmanager"))
    (Address(kind='slack', target='#ml-alerts'), 'alertmanager')
    >>> parse_address("slack")
    Traceback (most recent call last):
        ...
    ValueError: 'slack' names no Slack channel, expected e.g. slack:#ml-alerts
    """
    if not isinstance(text, str) or len(text) > ADDRESS_CHARACTERS_MAX or not text.isprintable():
        raise ValueError(f"a channel is one line of at most {ADDRESS_CHARACTERS_MAX} characters, expected {FORMS}")
    kind, _, target = text.strip().partition(":")
    kind, target = kind.strip().lower(), target.strip()
    if kind not in KINDS:
        raise ValueError(f"{redacted(text)!r} is no channel, expected {FORMS}")
    address = Address(cast(Kind, kind), target)
    fault = _fault(address)
    if fault:
        raise ValueError(f"{address.shown!r} {fault}")
    return address


def canonical(text: str) -> str:
    """The one way to write an address that all ways of writing it come to. Raises ValueError as ``parse_address``.

    >>> canonical(" Alertmanager : main"), canonical("alertmanager")
    ('alertmanager:main', 'alertmanager')
    """
    return str(parse_address(text))


def redacted(url: str) -> str:
    """Scheme and host of a URL; any other text as it is.

    >>> redacted("https://hooks.slack.com/services/T0/B0/secret"), redacted("ops"), redacted("json://user:pw@host/x")
    ('https://hooks.slack.com', 'ops', 'json://host')
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    return f"{scheme.rpartition(':')[2]}://{authority.rpartition('@')[2]}"


def _fault(address: Address) -> str:
    target = address.target
    match address.kind:
        case "email" if not _MAILBOX.fullmatch(target) or ".." in target or len(target) > 254:
            return "is no mail address in plain ASCII letters, expected e.g. email:team@company.com"
        case "slack" if not _SLACK.fullmatch(target):
            return "names no Slack channel, expected e.g. slack:#ml-alerts"
        case "webhook" if "://" in target:
            return _url_fault(target)
        case "webhook" if not _NAME.fullmatch(target):
            return "is no webhook, expected a name from notify.webhooks or an address: webhook:https://host/path"
        case "alertmanager" if target and not _NAME.fullmatch(target):
            return "names no Alertmanager, expected alertmanager or alertmanager:NAME, from notify.alertmanagers"
        case "apprise" if not _NAME.fullmatch(target):
            return "is no name, expected apprise:NAME, from notify.apprise"
    return ""


def _url_fault(url: str) -> str:
    """The form only; whether the host may be called is decided when it is (``targets``)."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
        good = good and parts.port != 0 and not any(c.isspace() or c == "\\" for c in url)
    except ValueError:
        good = False
    return "" if good else "is no http or https address without a user name, expected e.g. webhook:https://host/path"
