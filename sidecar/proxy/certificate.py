"""From when until when a certificate holds: all of X.509 that is read here, so that no library is loaded for it. Pure.

A worker tells the expiry of the certificate that it really serves with, not of what lies in a file meanwhile.
"""

from __future__ import annotations

import ssl
from calendar import timegm

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_INTEGER, _UTC_TIME, _GENERALIZED_TIME, _SEQUENCE, _VERSION = 0x02, 0x17, 0x18, 0x30, 0xA0


class CertificateError(ValueError):
    """It can't be read."""


def validity(pem: str) -> tuple[float, float]:
    """From when until when the first certificate of a PEM file holds, in seconds since the epoch. Raises
    CertificateError."""
    begin = pem.find(_BEGIN)
    end = pem.find(_END, begin)
    if begin < 0 or end < 0:
        raise CertificateError("there is no certificate in PEM")
    try:
        return validity_of(ssl.PEM_cert_to_DER_cert(pem[begin : end + len(_END)]))
    except ValueError as error:
        raise CertificateError(f"the certificate can't be read: {error}") from error


def validity_of(der: bytes) -> tuple[float, float]:
    """Of a certificate in DER (RFC 5280, 4.1). Raises CertificateError."""
    (certificate, _) = _take(der, _SEQUENCE)
    (rest, _) = _take(certificate, _SEQUENCE)
    if rest[:1] == bytes((_VERSION,)):
        (_, rest) = _take(rest, _VERSION)
    for tag in (_INTEGER, _SEQUENCE, _SEQUENCE):  # serial number, algorithm of the signature, issuer
        (_, rest) = _take(rest, tag)
    (times, _) = _take(rest, _SEQUENCE)
    tag = times[0] if times else _UTC_TIME
    (not_before, times) = _take(times, tag)
    last = times[0] if times else _UTC_TIME
    (not_after, _) = _take(times, last)
    return _time(tag, not_before), _time(last, not_after)


def _take(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the first element of ``der``, which must be of ``tag``, and what comes after it."""
    if len(der) < 2 or der[0] != tag:
        raise CertificateError(f"an element {tag:#x} is missing")
    start, length = 2, der[1]
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start])
    if len(der) < start + length:
        raise CertificateError("it is cut off")
    return der[start : start + length], der[start + length :]


def _time(tag: int, text: bytes) -> float:
    """
    >>> _time(0x17, b"491231235959Z"), _time(0x17, b"500101000000Z"), _time(0x18, b"20500101000000Z")
    (2524607999.0, -631152000.0, 2524608000.0)
    """
    digits = text.decode("ascii", "replace").removesuffix("Z")
    if tag == _UTC_TIME and len(digits) == 12:
        digits = ("19" if digits >= "50" else "20") + digits
    if tag not in (_UTC_TIME, _GENERALIZED_TIME) or len(digits) != 14 or not digits.isdigit():
        raise CertificateError("its time is not as X.509 has it")
    year, rest = int(digits[:4]), [int(digits[at : at + 2]) for at in range(4, 14, 2)]
    return float(timegm((year, *rest)))
