"""Slack's incoming webhooks (https://api.slack.com/messaging/webhooks); Mattermost and others take the same form."""

from __future__ import annotations

import json
from collections.abc import Callable

from sidecar.alerts.channels.posting import Request, post
from sidecar.alerts.channels.settings import NotifySettings
from sidecar.alerts.channels.targets import Guard
from sidecar.alerts.channels.wording import lines_of, plain
from sidecar.alerts.notice import Notice

ANY_CHANNEL = "*"


class SlackChannel:
    """Sends to the webhook of the channel, or to that of ``*``."""

    def __init__(self, settings: NotifySettings, guard: Guard, clock: Callable[[], float]) -> None:
        self._urls = {_bare(name): url for name, url in settings.slack.items()}
        self._guard = guard
        self._clock = clock

    def warning(self, target: str) -> str:
        """What must be configured; empty where a webhook is."""
        url = self._url(target)
        if url:
            return self._guard.warning(url)
        return f"no Slack webhook is configured for {target}: set notify.slack, by channel or for '*'"

    async def send(self, target: str, notice: Notice, notice_id: str) -> None:
        """Post the message once. Raises SendError. Slack has no field by which it could tell a repeat."""
        body = json.dumps(message(target, notice)).encode()
        await post(self._guard, Request(self._url(target), body, {}, quote_answer=True), self._clock())

    async def close(self) -> None:
        """Nothing is held."""

    def _url(self, target: str) -> str:
        return self._urls.get(_bare(target)) or self._urls.get(ANY_CHANNEL, "")


def message(channel: str, notice: Notice) -> dict[str, str]:
    """The JSON that Slack takes: ``channel`` and ``text`` in its mrkdwn.

    >>> escaped("<!channel> & co")
    '&lt;!channel&gt; &amp; co'
    """
    lines = [f"*{escaped(plain(notice.subject))}*", *map(escaped, lines_of(notice))]
    if notice.link:
        link = escaped(plain(notice.link)).replace("|", "%7C").replace(" ", "%20")
        lines.append(f"<{link}|Open the alert>")
    return {"channel": channel if channel[:1] in {"#", "@"} else f"#{channel}", "text": "\n".join(lines)}


def escaped(text: str) -> str:
    """Slack's three control characters as entities, so that text makes neither links nor mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _bare(channel: str) -> str:
    """``#ml-alerts`` and ``ml-alerts`` are one channel."""
    return channel.removeprefix("#")
