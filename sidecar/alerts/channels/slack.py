"""Slack's incoming webhooks (https://api.slack.com/messaging/webhooks); Mattermost and others take the same form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from sidecar.alerts.channels.posting import Request, post
from sidecar.alerts.channels.settings import NotifySettings
from sidecar.alerts.channels.targets import Guard
from sidecar.alerts.channels.wording import lines_of, plain
from sidecar.alerts.notice import Notice

ANY_CHANNEL = "*"
_BREAK = "\u200b"
"""A space of no width."""
# Backslashes would show in Slack, and nothing else escapes these in both: so they are replaced by their like.
_ALIKE = str.maketrans({"[": "\uff3b", "]": "\uff3d", "`": "'", "*": "\u2217", "~": "\u223c"})
_OUTER_UNDERSCORE = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")


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

    def resolved(self, target: str) -> str:
        """The channel's name with its ``#``."""
        return _named(target)

    async def send(self, target: str, notice: Notice, notice_id: str) -> None:
        """Post the message once. Raises SendError. Slack has no field by which it could tell a repeat."""
        body = json.dumps(message(target, notice)).encode()
        await post(self._guard, Request(self._url(target), body, {}, quote_answer=True), self._clock())

    async def close(self) -> None:
        """Nothing is held."""

    def _url(self, target: str) -> str:
        return self._urls.get(_bare(target)) or self._urls.get(ANY_CHANNEL, "")


def message(channel: str, notice: Notice) -> dict[str, str]:
    """The JSON that Slack takes: ``channel`` and ``text`` in its mrkdwn, of which Mattermost makes Markdown."""
    lines = [f"*{inert(plain(notice.subject))}*", *map(inert, lines_of(notice))]
    if notice.link:
        link = escaped(plain(notice.link)).replace("|", "%7C").replace(" ", "%20")
        lines.append(f"<{link}|Open the alert>")
    return {"channel": _named(channel), "text": "\n".join(lines)}


def escaped(text: str) -> str:
    """Slack's three control characters as entities.

    >>> escaped("<https://x.example|x> & co")
    '&lt;https://x.example|x&gt; &amp; co'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def inert(text: str) -> str:
    """Text that neither Slack nor Mattermost takes for a mention, a link or markup, and that reads as it did.

    Mattermost mentions by a bare ``@all`` and links by ``[text](address)``. Underscores within words stay.

    >>> inert("error_rate of `x` & *y*")
    "error_rate of 'x' &amp; \u2217y\u2217"
    """
    text = _OUTER_UNDERSCORE.sub(lambda found: "\uff3f" * len(found[0]), text.translate(_ALIKE))
    return escaped(text.replace("@", f"@{_BREAK}").replace("<!", f"<{_BREAK}!"))


def _named(channel: str) -> str:
    return channel if channel[:1] in {"#", "@"} else f"#{channel}"


def _bare(channel: str) -> str:
    """``#ml-alerts`` and ``ml-alerts`` are one channel."""
    return channel.removeprefix("#")
