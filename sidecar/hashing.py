"""Stable draws: the same words give the same number in every process, on every machine, for ever.

Assignment to a variant, the draws of the sampling rules and the pinning of images all rest on this one
draw, so that a worker and the monitor decide alike without asking each other.
"""

from collections.abc import Sequence
from hashlib import blake2b

_SCALE = 2.0**-64
_MOST = 0.9999999999999999


def unit_interval(*words: str) -> float:
    """A uniform draw in [0, 1) that depends on nothing but ``words``.

    The words are joined by a NUL (no header value or id can hold one), hashed by BLAKE2b and read as a
    64-bit fraction.

    >>> unit_interval("salt", "camera-7") == unit_interval("salt", "camera-7")
    True
    >>> unit_interval("a", "bc") == unit_interval("ab", "c")
    False
    """
    return _draw("\0".join(words).encode("utf-8", "surrogateescape"))


def unit_intervals(firsts: Sequence[bytes], last: str) -> list[float]:
    """``unit_interval(first, last)`` of each of ``firsts``, which are encoded already.

    >>> unit_intervals([b"r", b"s"], "rule") == [unit_interval("r", "rule"), unit_interval("s", "rule")]
    True
    """
    rest = b"\0" + last.encode("utf-8", "surrogateescape")
    return [_draw(first + rest) for first in firsts]


def _draw(text: bytes) -> float:
    return min(int.from_bytes(blake2b(text, digest_size=8).digest(), "big") * _SCALE, _MOST)
