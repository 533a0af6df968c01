"""Stable draws: the same words give the same number in every process, on every machine, for ever.

Assignment to a variant, the draws of the sampling rules and the pinning of images all rest on this one
function, so that a worker and the monitor decide alike without asking each other.
"""

from hashlib import blake2b

_SCALE = 2.0**-64


def unit_interval(*words: str) -> float:
    """A uniform draw in [0, 1) that depends on nothing but ``words``.

    The words are joined by a NUL (no header value or id can hold one), hashed by BLAKE2b and read as a
    64-bit fraction.

    >>> unit_interval("salt", "camera-7") == unit_interval("salt", "camera-7")
    True
    >>> unit_interval("a", "bc") == unit_interval("ab", "c")
    False
    """
    digest = blake2b("\0".join(words).encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return min(int.from_bytes(digest, "big") * _SCALE, 0.9999999999999999)
