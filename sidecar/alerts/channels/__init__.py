"""The ways by which a notice reaches people and programs: mail, Slack, webhooks, Alertmanager, apprise.

Key types: ``Channels`` sends a ``Notice`` to an address such as ``slack:#ml-alerts``; ``parse_address`` checks one,
``canonical`` is the way to write it down;
``NotifySettings`` is what is configured; ``SendError`` says why a notice did not go out.

Invariants: every wait has an end. No error text or log line holds a URL's path, a password or a secret. URLs are
called only on the public internet, unless the operator allowed their host (``targets``). A repeated notice can be
told by its id, where the receiver has a field for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sidecar.alerts.channels.address import Address, canonical, parse_address
from sidecar.alerts.channels.alertmanager import AlertmanagerChannel
from sidecar.alerts.channels.apprise_channel import AppriseChannel
from sidecar.alerts.channels.channel import Channel, SendError
from sidecar.alerts.channels.email import EmailChannel
from sidecar.alerts.channels.settings import NotifySettings, SmtpSettings, WebhookSettings
from sidecar.alerts.channels.slack import SlackChannel
from sidecar.alerts.channels.targets import Guard, Lookup, parse_allowed_host
from sidecar.alerts.channels.webhook import WebhookChannel
from sidecar.alerts.notice import Notice

__all__ = [
    "Address",
    "Channels",
    "NotifySettings",
    "SendError",
    "SmtpSettings",
    "WebhookSettings",
    "canonical",
    "parse_address",
    "parse_allowed_host",
]

_ALERTMANAGER = "alertmanager"
_CHANNELS: dict[str, Callable[[NotifySettings, Guard, Callable[[], float]], Channel]] = {
    "email": EmailChannel,
    "slack": SlackChannel,
    "webhook": WebhookChannel,
    _ALERTMANAGER: AlertmanagerChannel,
    "apprise": AppriseChannel,
}


class Channels:
    """All channels under one configuration. Make another for another configuration. Raises ValueError for an
    ``allowed_hosts`` that names no hosts.

    ``lookup`` resolves names (default: the system); ``clock`` gives wall seconds since the epoch.

    >>> Channels(NotifySettings()).warning("email:team@company.com")
    'no SMTP server is configured: set notify.smtp.host'
    """

    def __init__(
        self, settings: NotifySettings, *, lookup: Lookup | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._guard = Guard(settings.allowed_hosts, lookup)
        self._channels = {kind: make(settings, self._guard, clock) for kind, make in _CHANNELS.items()}

    def warning(self, channel: str) -> str:
        """What keeps ``channel`` from working and what to set; empty where it is configured, which it may be and still
        fail. For what is no channel: what would be one.
        """
        try:
            address = parse_address(channel)
        except ValueError as error:
            return str(error)
        return self._channels[address.kind].warning(address.target)

    def resolved(self, channel: str) -> str:
        """The channel that ``channel`` leads to, the same for all ways of writing it: ``alertmanager`` is the one that
        is configured, ``slack:a`` is ``slack:#a``. What is no channel is itself.
        """
        try:
            address = parse_address(channel)
        except ValueError:
            return channel
        made = self._channels[address.kind]
        if isinstance(made, (AlertmanagerChannel, SlackChannel)):
            return str(Address(address.kind, made.resolved(address.target)))
        return str(address)

    async def send(self, channel: str, notice: Notice, notice_id: str) -> None:
        """Send once, within the channel's time limit. Raises SendError."""
        try:
            address = parse_address(channel)
        except ValueError as error:
            raise SendError(str(error), passing=False) from None
        warning = self._channels[address.kind].warning(address.target)
        if warning:
            raise SendError(warning, passing=False)
        await self._channels[address.kind].send(address.target, notice, notice_id)

    async def post_firing(self, channel: str, notices: Sequence[Notice]) -> None:
        """Tell an Alertmanager which alerts still fire. Raises SendError, ValueError for any other kind of channel."""
        address = parse_address(channel)
        alertmanager = self._channels[address.kind]
        if not isinstance(alertmanager, AlertmanagerChannel):
            raise ValueError(f"{address.shown!r} is no Alertmanager")
        await alertmanager.post(address.target, notices)

    async def close(self) -> None:
        """Let go of threads; sends under way go on to their end."""
        for channel in self._channels.values():
            await channel.close()
        self._guard.close()
