"""What is configured of the channels, as plain values. Secrets stay out of every ``repr``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SmtpTls = Literal["auto", "starttls", "tls", "off"]


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The mail server. ``sender`` is the address mails come from.

    ``tls``: ``auto`` takes STARTTLS where it is offered, but gives no password without it; ``starttls`` insists on it;
    ``tls`` speaks TLS from the first byte (port 465); ``off`` never encrypts. Certificates are always checked, against
    those in the file ``ca_file`` where that is set, else against the system's.
    """

    host: str
    sender: str
    port: int = 587
    username: str = ""
    password: str = field(default="", repr=False)
    tls: SmtpTls = "auto"
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """A receiver of signed JSON. ``secret``: see ``webhook.signing_key``; empty: requests are not signed."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """All channels.

    ``slack`` has the incoming-webhook URL by channel (``#ml-alerts``), ``*`` for all others; ``alertmanagers`` base
    URLs and ``apprise`` apprise's URLs by name. ``allowed_hosts`` may be called although they are private: names or
    literal addresses, each with or without a port (see ``targets.parse_allowed_host``).
    ``link`` is the dashboard's address, from which whoever makes a notice makes ``Notice.link``.
    """

    smtp: SmtpSettings | None = None
    slack: Mapping[str, str] = field(default_factory=dict, repr=False)
    webhooks: Mapping[str, WebhookSettings] = field(default_factory=dict)
    alertmanagers: Mapping[str, str] = field(default_factory=dict, repr=False)
    apprise: Mapping[str, str] = field(default_factory=dict, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    link: str = ""
