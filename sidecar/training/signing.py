"""Signatures of messages, as Standard Webhooks says (https://www.standardwebhooks.com), and how they are checked.

Headers: ``webhook-id``, ``webhook-timestamp`` (seconds since the epoch) and ``webhook-signature``: ``v1,`` and the
base64 of HMAC-SHA256 over ``id.timestamp.body``; several signatures may stand there with spaces between.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

SECRET_PREFIX = "whsec_"
AGE_MAX_S = 300.0
"""How old a message may be, and how far ahead of our clock."""
SIGNATURES_MAX = 16
FIELD_CHARACTERS_MAX = 4_096


def signing_key(secret: str) -> bytes:
    """The key that ``secret`` stands for: base64 after ``whsec_``, as the standard writes it, else the text's bytes.

    Raises ValueError where ``whsec_`` is not followed by base64.

    >>> signing_key("whsec_a2V5"), signing_key("any other text")
    (b'key', b'any other text')
    """
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise ValueError(f"the secret begins with {SECRET_PREFIX} but no base64 follows")
    return key


def signature(key: bytes, message_id: str, at: int, body: bytes) -> str:
    """The field ``webhook-signature`` of one key."""
    digest = hmac.new(key, f"{message_id}.{at}.".encode("utf-8", "surrogateescape") + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def signed_headers(secret: str, message_id: str, now: float, body: bytes) -> dict[str, str]:
    """The three headers of a message. Raises ValueError where the secret is none."""
    key = signing_key(secret)
    if not key:
        raise ValueError("the secret is empty")
    at = int(now)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": signature(key, message_id, at, body),
    }


def signature_fault(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Why a message is not to be believed, "" where it is. Names of ``headers`` are taken in any case.

    Signatures are compared in constant time, and before the time is looked at: who has no secret learns nothing.
    """
    fields = {name.lower(): value for name, value in headers.items()}
    message_id, at, given = (fields.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not message_id or not at or not given:
        return "webhook-id, webhook-timestamp and webhook-signature are needed, as Standard Webhooks says"
    if max(len(message_id), len(at), len(given)) > FIELD_CHARACTERS_MAX or not (at.isascii() and at.isdigit()):
        return "webhook-timestamp must be seconds since the epoch, and no field so long"
    try:
        key = signing_key(secret)
    except ValueError as error:
        return str(error)
    expected = signature(key, message_id, int(at[:15]), body).encode()
    matches = [
        hmac.compare_digest(part.encode("utf-8", "surrogateescape"), expected)
        for part in given.split(" ")[:SIGNATURES_MAX]
    ]
    if not key or not any(matches):
        return "webhook-signature does not fit this body and secret"
    if abs(now - int(at[:15])) > AGE_MAX_S:
        return f"webhook-timestamp is more than {AGE_MAX_S:g} s from now: sign it anew"
    return ""
