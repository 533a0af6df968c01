"""What the proxy lets through, read by three readers that must agree; and the same however the bytes were cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fuzz.memory import LIMITS, Outcome, run
from tests.fuzz.mutation import cut
from tests.fuzz.readers import (
    KNOWN_METHODS,
    Message,
    Reading,
    h11_requests,
    h11_responses,
    llhttp_requests,
    llhttp_responses,
    own_requests,
    own_responses,
)

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nGOOD"
ASKED = (
    ("GET", b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("GET", b"GET /p HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n"),
    ("POST", b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
    ("HEAD", b"HEAD /p HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("GET", b"GET /p HTTP/1.0\r\n\r\n"),
)


class Disagreement(AssertionError):
    """Two readers took the same bytes for different messages, or a cut changed what passed."""


@dataclass
class Passed:
    """What an input came to: whole messages that reached the upstream or the client, and whether any was refused."""

    messages: int
    refused: bool


def examine_request(raw: bytes, points: Sequence[int]) -> Passed:
    """Sends ``raw`` whole and in pieces. Raises Disagreement."""
    whole = run([raw], _answer_each)
    read = _read_upstreams(whole)
    _agree_with_input(raw, read)
    _no_more_lenient(raw, len(read))
    answers = _read_client(whole, _asked(raw))
    if points:
        pieces = run(cut(raw, points), _answer_each)
        again = _read_upstreams(pieces)
        if again != read:
            raise Disagreement(f"in pieces: {again}, whole: {read}")
        answers_again = _read_client(pieces, _asked(raw))
        if _kinds(answers_again) != _kinds(answers):
            raise Disagreement(f"in pieces: {answers_again}, whole: {answers}")
    return Passed(len(read), any(message[0] >= 400 for message in answers))


def _asked(raw: bytes) -> list[str]:
    """The methods that answers are read by: of the whole requests, and of what came behind and was refused."""
    own = own_requests(raw, LIMITS)
    return [*(message[0].decode() for message in own.messages), "HEAD" if own.rest.startswith(b"HEAD ") else "GET"]


def _kinds(answers: list[Message]) -> list[int]:
    """Whether each final answer was good. Of two faults that a message has, cuts may bring either to light first."""
    return [message[0] // 100 for message in answers if message[0] >= 200]


def examine_response(raw: bytes, points: Sequence[int], asked: int, closes: bool) -> Passed:
    """Answers a request by ``raw`` and asks once more. Raises Disagreement."""
    raw = raw or b"\r"
    method, request = ASKED[asked % len(ASKED)]
    outcomes = []
    for pieces in ([raw], cut(raw, points)) if points else ([raw],):
        sent: set[int] = set()

        def answer(number: int, written: bytes, pieces: Sequence[bytes] = pieces, sent: set[int] = sent) -> list[bytes]:
            done = len(own_requests(written).messages)
            if number or done > 1 or sent:
                return [GOOD]
            sent.add(number)
            return [*pieces, b""] if closes else list(pieces)

        outcome = run([request, ASKED[0][1]], answer)
        outcomes.append((_read_client(outcome, [method, "GET"]), outcome.aborted))
    if len(outcomes) > 1:
        _same_in_pieces(*outcomes)
    messages, aborted = outcomes[0]
    return Passed(len(messages), aborted or any(message[0] == 502 for message in messages))


def _same_in_pieces(whole: tuple[list[Message], bool], pieces: tuple[list[Message], bool]) -> None:
    """A fault of a body is met before the head of its answer went out, or after: so it is a 502 or a cut."""
    answers, broken = [], []
    for messages, aborted in (whole, pieces):
        before = (
            [message[0] for message in messages].index(502) if any(m[0] == 502 for m in messages) else len(messages)
        )
        answers.append(messages[:before])
        broken.append(aborted or before < len(messages))
    if answers[0] != answers[1] or broken[0] != broken[1]:
        raise Disagreement(f"in pieces: {pieces}, whole: {whole}")


def _answer_each(number: int, written: bytes) -> list[bytes]:
    return [GOOD] if own_requests(written).messages else []


def _read_upstreams(outcome: Outcome) -> list[Message]:
    messages: list[Message] = []
    for written, closing in outcome.upstreams:
        own, known = own_requests(written), h11_requests(written)
        _same("h11", known, own)
        if all(message[0] in KNOWN_METHODS for message in own.messages) and written[:8].split(b" ")[0] in KNOWN_METHODS:
            _same("llhttp", llhttp_requests(written), own)
        if own.more and not closing:
            raise Disagreement(f"an unfinished request on a connection that stays open: {written!r}")
        if own.error:
            raise Disagreement(f"{own.error}: {written!r}")
        messages += own.messages
    return messages


def _agree_with_input(raw: bytes, passed: list[Message]) -> None:
    """The upstream got the first messages of ``raw`` as the parser alone reads them, but for those answered here."""
    sent = [message[:3] for message in own_requests(raw, LIMITS).messages]
    for message in passed:
        while sent and sent[0] != message[:3]:
            if sent[0][0] != b"OPTIONS":
                raise Disagreement(f"{message} passed for {sent[0]}")
            del sent[0]
        if not sent:
            raise Disagreement(f"{message} was not sent")
        del sent[0]


_BWS = re.compile(rb"\n[0-9a-fA-F]+[^\r\n]*[ \t]")
_OWS_AFTER_CODING = re.compile(rb"(?i)chunked[ \t]*\t[ \t]*\r\n")
_ANYTHING = re.compile(rb"")
_MORE_LENIENT = (
    ("Invalid method", _ANYTHING, "llhttp knows a list of methods"),
    ("Expected space after method", _ANYTHING, "the same"),
    ("no request line received", re.compile(rb"\r\n\r\n"), "h11 takes no empty lines before a request, or one"),
    ("Data after `Connection: close`", _ANYTHING, "which is read here, and left unread by the proxy"),
    ("illegal chunk header", _BWS, "RFC 9112, 7.1.1: whitespace within chunk extensions is to be read over"),
    ("Invalid character in chunk", _BWS, "the same"),
    (
        "Request has invalid `Transfer-Encoding`",
        _OWS_AFTER_CODING,
        "RFC 9110, 5.5: whitespace after a value is none of it",
    ),
)
"""Where the proxy knowingly lets through what another reader refuses: its error, what the input must have, and why."""


def _no_more_lenient(raw: bytes, passed: int) -> None:
    """Whatever of ``raw`` passed is also read by the other readers, and as the same, but for what is listed."""
    own = own_requests(raw, LIMITS).messages[:passed]
    for name, other in (("h11", h11_requests(raw)), ("llhttp", llhttp_requests(raw))):
        upgrades = name == "llhttp" and b"upgrade" in raw.lower()  # it takes any upgrade, the proxy one of websocket
        pairs = zip(own, other.messages, strict=False)
        if not upgrades and any((ours[0], ours[2]) != (theirs[0], theirs[2]) for ours, theirs in pairs):
            raise Disagreement(f"passed {own}, which {name} reads as {other}")
        known = any(other.error.startswith(error) and has.search(raw) for error, has, _ in _MORE_LENIENT)
        if other.error and len(other.messages) < len(own) and not known:
            raise Disagreement(f"passed {own}, where {name} says {other.error}")


def _read_client(outcome: Outcome, methods: list[str]) -> list[Message]:
    raw, ended = outcome.client, outcome.closed
    own = own_responses(raw, methods, ended)
    if own.error:
        raise Disagreement(f"{own.error}: {raw!r}")
    if ended and own.more:
        raise Disagreement(f"an answer without an end on a connection closed in order: {raw!r}")
    _same("h11", h11_responses(raw, methods, ended), own)
    if "HEAD" not in methods:
        _same("llhttp", llhttp_responses(raw, ended), own)
    return own.messages


def _same(name: str, other: Reading, own: Reading) -> None:
    if (other.messages, other.more) != (own.messages, own.more):
        raise Disagreement(f"{name}: {other}, own: {own}")
