"""What a client has received, read as answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes
    trailers: bytes = b""

    def values(self, name: bytes) -> list[bytes]:
        return [value for known, value in self.fields if known == name]


def read_answers(raw: bytes, methods: list[str]) -> tuple[list[Answer], bytes]:
    """The whole answers at the beginning of ``raw``, final and interim, and what is left. ``b""`` left: no doubt.

    An answer without a length takes all there is.
    """
    answers: list[Answer] = []
    final = 0
    while b"\r\n\r\n" in raw:
        block, _, rest = raw.partition(b"\r\n\r\n")
        lines = block.split(b"\r\n")
        pairs = [line.partition(b":") for line in lines[1:]]
        answer = Answer(int(lines[0].split()[1]), [(name.lower(), value.strip()) for name, _, value in pairs], b"")
        method = methods[min(final, len(methods) - 1)]
        if answer.status < 200 or answer.status in (204, 304) or method == "HEAD":
            pass
        elif answer.values(b"transfer-encoding"):
            content, _, rest = _read_chunks(rest)
            if content is None:
                return answers, raw
            answer.body, answer.trailers = content
        elif length := answer.values(b"content-length"):
            if len(rest) < int(length[0]):
                return answers, raw
            answer.body, rest = rest[: int(length[0])], rest[int(length[0]) :]
        else:
            answer.body, rest = rest, b""
        final += answer.status >= 200
        answers.append(answer)
        raw = rest
    return answers, raw


def _read_chunks(raw: bytes) -> tuple[tuple[bytes, bytes] | None, bytes, bytes]:
    body = b""
    while b"\r\n" in raw:
        digits, _, raw = raw.partition(b"\r\n")
        size = int(digits, 16)
        if size == 0:
            section, end, rest = (b"\r\n" + raw).partition(b"\r\n\r\n")
            return ((body, section[2:] + b"\r\n" if section else b"") if end else None), end, rest
        if raw[size : size + 2] != b"\r\n":
            break
        body, raw = body + raw[:size], raw[size + 2 :]
    return None, b"", b""
