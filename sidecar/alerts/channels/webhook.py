"""Signed JSON to any receiver, as Standard Webhooks says (https://www.standardwebhooks.com).

Headers: ``webhook-id`` (the same when a notice is repeated), ``webhook-timestamp`` (seconds since the epoch, of this
attempt) and, where a secret is configured, ``webhook-signature``: ``v1,`` and the base64 of HMAC-SHA256 over
``id.timestamp.body``. The body::

    {
      "type": "alert.firing",                       alert.firing | resolved | flapping | settled | test
      "timestamp": "2026-11-25T03:00:00.000Z",      when this was said
      "data": {
        "kind": "firing", "alert_id": "...", "name": "Errors",
        "model": "det", "version": "2", "slice": "",          empty: the sidecar itself, all versions, all traffic
        "metric": "error_rate", "value": 0.2,                 null where nothing could be measured
        "condition_text": "...", "sentence": "...", "context": ["..."],
        "starts_at": 1764000000.0, "at": 1764000060.0, "ends_at": null,    seconds since the epoch
        "link": "", "subject": "Firing: Errors of det@2"
      }
    }
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import structlog

from sidecar.alerts.channels.channel import SendError
from sidecar.alerts.channels.posting import Request, post
from sidecar.alerts.channels.settings import NotifySettings, WebhookSettings
from sidecar.alerts.channels.targets import Guard
from sidecar.alerts.channels.wording import timestamp
from sidecar.alerts.notice import Notice

log = structlog.get_logger()

SECRET_PREFIX = "whsec_"
KEY_BYTES_MIN = 24
KEY_BYTES_MAX = 64
"""What the standard says a key's length should be."""


class WebhookChannel:
    """Sends to a webhook of the configuration by its name, or, unsigned, to any public URL."""

    def __init__(self, settings: NotifySettings, guard: Guard, clock: Callable[[], float]) -> None:
        self._webhooks = dict(settings.webhooks)
        for name, webhook in self._webhooks.items():
            _doubt(name, webhook.secret)
        self._guard = guard
        self._clock = clock

    def warning(self, target: str) -> str:
        """What must be configured; empty where nothing is missing. A name is resolved only when it is called."""
        webhook = self._webhook(target)
        if webhook is None:
            return f"no webhook is called {target}: add it to notify.webhooks"
        try:
            signing_key(webhook.secret)
        except ValueError as error:
            return str(error)
        return self._guard.warning(webhook.url)

    async def send(self, target: str, notice: Notice, notice_id: str) -> None:
        """Post the document once. Raises SendError."""
        webhook = self._webhook(target)
        if webhook is None:
            raise SendError(self.warning(target), passing=False)
        now = self._clock()
        body = json.dumps(document(notice), allow_nan=False).encode()
        headers = {"webhook-id": notice_id, "webhook-timestamp": str(int(now))}
        try:
            key = signing_key(webhook.secret)
        except ValueError as error:
            raise SendError(str(error), passing=False) from None
        if key:
            headers["webhook-signature"] = signature(key, notice_id, int(now), body)
        await post(self._guard, Request(webhook.url, body, headers, quote_answer=target in self._webhooks), now)

    async def close(self) -> None:
        """Nothing is held."""

    def _webhook(self, target: str) -> WebhookSettings | None:
        return WebhookSettings(target) if "://" in target else self._webhooks.get(target)


def document(notice: Notice) -> dict[str, Any]:
    """The body, see above."""
    return {
        "type": f"alert.{notice.kind}",
        "timestamp": timestamp(notice.at),
        "data": {**notice.to_dict(), "subject": notice.subject},
    }


def signing_key(secret: str) -> bytes:
    """The key that ``secret`` stands for: base64 after ``whsec_``, as the standard writes it, else the text's bytes.

    Raises ValueError where ``whsec_`` is not followed by base64.

    >>> signing_key("whsec_a2V5"), signing_key("any other text"), signing_key("")
    (b'key', b'any other text', b'')
    """
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    key = _decoded(secret.removeprefix(SECRET_PREFIX))
    if not key:
        raise ValueError(f"the webhook's secret begins with {SECRET_PREFIX} but no base64 follows")
    return key


def _doubt(name: str, secret: str) -> None:
    """Log what may be wrong with a secret that is used all the same. Only the webhook's name is told."""
    try:
        key = signing_key(secret)
    except ValueError:  # ``warning`` tells of that
        return
    if not secret.startswith(SECRET_PREFIX) and KEY_BYTES_MIN <= len(_decoded(secret)) <= KEY_BYTES_MAX:
        log.warning("webhook_secret_ambiguous", webhook=name, wanted=f"{SECRET_PREFIX} before it if it is base64")
    if key and len(key) < KEY_BYTES_MIN:
        log.warning("webhook_secret_short", webhook=name, wanted=f"{KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes")


def _decoded(text: str) -> bytes:
    """Of base64; empty where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def signature(key: bytes, notice_id: str, at: int, body: bytes) -> str:
    """The field ``webhook-signature`` of one key."""
    digest = hmac.new(key, f"{notice_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
