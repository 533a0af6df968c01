"""What single fields and the target of a head may say: pure functions of their values."""

from __future__ import annotations

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
WORD = re.compile(TOKEN)
NUMBER = re.compile(rb"[0-9]{1,19}")
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+;=%-]+)(?::([0-9]{0,5}))?")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.IGNORECASE)


class HeadError(ValueError):
    """A head that is refused: ``status`` is the answer a client gets (400, 405, 413, 414, 417, 431, 501, 508).

    ``limit`` names the bound of Limits, if it was one.
    """

    def __init__(self, status: int, reason: str, limit: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.limit = limit


def check_coding(value: bytes) -> None:
    if value.lower() == b"chunked":
        return
    codings = [part.strip(b" \t").lower() for part in value.split(b",")]
    known_form = all(WORD.fullmatch(coding) for coding in codings)
    if known_form and codings[-1] == b"chunked" and codings.count(b"chunked") == 1:
        raise HeadError(501, "transfer-encoding: only chunked is known")
    raise HeadError(400, "transfer-encoding: malformed")


def target_and_host(method: bytes, target: bytes, host: bytes | None, minor: int) -> tuple[bytes, bytes]:
    if method in (b"CONNECT", b"TRACE"):
        raise HeadError(405, f"{method.decode()} is not offered")
    if host is None:
        if minor == 1:
            raise HeadError(400, "host missing")
        host = b""
    elif not valid_host(host):
        raise HeadError(400, "host: malformed")
    if b"#" in target:
        raise HeadError(400, "target has a fragment")
    if target[0] == 0x2F:
        return target, host
    if target == b"*" and method == b"OPTIONS":
        return target, host
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not valid_host(absolute.group(1)):
        raise HeadError(400, "target: malformed")
    rest = absolute.group(2)
    if not rest:
        rest = b"*" if method == b"OPTIONS" else b"/"
    elif rest[0] != 0x2F:
        rest = b"/" + rest
    return rest, absolute.group(1)


def valid_host(host: bytes) -> bool:
    """Whether ``host`` is a name or address with an optional port, and nothing more."""
    match = _HOST.fullmatch(host)
    return match is not None and (not match.group(1) or int(match.group(1)) <= 65535)


def refuse_loop(via: bytes, pseudonym: bytes) -> None:
    for element in via.split(b","):
        words = element.split()
        if len(words) > 1 and words[1].lower() == pseudonym.lower():
            raise HeadError(508, "the request has passed this proxy before")


def expects_continue(expect: bytes | None, minor: int) -> bool:
    if expect is None or minor == 0:
        return False
    if expect.lower() != b"100-continue":
        raise HeadError(417, "expect: unknown expectation")
    return True


def max_forwards(value: bytes | None) -> int | None:
    if value is None:
        return None
    if not NUMBER.fullmatch(value):
        raise HeadError(400, "max-forwards: not a number")
    return int(value)


def keep_alive_s(value: bytes) -> float | None:
    for part in value.split(b","):
        name, _, number = part.strip().partition(b"=")
        if name.lower() == b"timeout" and NUMBER.fullmatch(number):
            return float(number)
    return None
