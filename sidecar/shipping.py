"""An exchange as bytes: the payload of the link's EXCHANGES frames.

Layout of an exchange, little-endian: its numbers, the lengths of seven parts, the parts: prediction id, unit, query,
request headers, what repeats, head of the request body, body of the response. What repeats is text that is the same for
most exchanges of a route (model, version, path ...); both ends keep the last of it, so that its fields are packed and
unpacked once and not for every request.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import cast

from sidecar.link import FrameError
from sidecar.types import Exchange, Role

REPEATED_MAX = 64
"""Lots of repeated text that each end keeps, few since a head may have 32 KiB; what a client makes up anew each time is
packed anew each time."""
_NUMBERS = struct.Struct("<dIIiHdddQQ?7I")
_TEXTS = struct.Struct("<12I")

Fields = tuple[tuple[str, str], ...]


def pack_exchange(exchange: Exchange) -> bytes:
    """One exchange as bytes. Several may be concatenated."""
    repeated = _pack_repeated(
        exchange.model,
        exchange.dialect,
        exchange.variant,
        exchange.version,
        exchange.role,
        exchange.experiment,
        exchange.slice,
        exchange.method,
        exchange.path,
        exchange.error,
        exchange.pinned,
        exchange.response_headers,
    )
    name = exchange.prediction_id.encode("utf-8", "surrogateescape")
    unit = exchange.unit.encode("utf-8", "surrogateescape")
    query = exchange.query.encode("utf-8", "surrogateescape")
    headers = _pack_fields(exchange.request_headers)
    head, body = exchange.request_head, exchange.response_body
    numbers = _NUMBERS.pack(
        exchange.started_at,
        exchange.worker,
        exchange.settings_version,
        exchange.epoch,
        exchange.status,
        exchange.latency_ms,
        exchange.upstream_ms,
        exchange.first_byte_ms,
        exchange.request_bytes,
        exchange.response_bytes,
        exchange.response_too_large,
        len(name),
        len(unit),
        len(query),
        len(headers),
        len(repeated),
        len(head),
        len(body),
    )
    return b"".join((numbers, name, unit, query, headers, repeated, head, body))


@lru_cache(REPEATED_MAX)
def _pack_repeated(*values: str | tuple[str, ...] | Fields) -> bytes:
    *texts, pinned, headers = values
    parts = [cast(str, text).encode("utf-8", "surrogateescape") for text in texts]
    parts.append("\n".join(cast("tuple[str, ...]", pinned)).encode("utf-8", "surrogateescape"))
    parts.append(_pack_fields(cast(Fields, headers)))
    return _TEXTS.pack(*map(len, parts)) + b"".join(parts)


@lru_cache(REPEATED_MAX)
def _pack_fields(fields: Fields) -> bytes:
    return "\n".join(f"{name}:{value}" for name, value in fields).encode("utf-8", "surrogateescape")


def unpack_exchanges(payload: bytes) -> Iterator[Exchange]:
    """The exchanges of an EXCHANGES frame. Raises FrameError where the payload is not whole."""
    start = 0
    try:
        while start < len(payload):
            exchange, start = _unpack_exchange(payload, start)
            yield exchange
    except (struct.error, UnicodeDecodeError) as error:
        raise FrameError(f"exchange at byte {start}: {error}") from error


def _unpack_exchange(payload: bytes, start: int) -> tuple[Exchange, int]:
    (
        started_at,
        worker,
        settings_version,
        epoch,
        status,
        latency_ms,
        upstream_ms,
        first_byte_ms,
        request_bytes,
        response_bytes,
        response_too_large,
        *lengths,
    ) = _NUMBERS.unpack_from(payload, start)
    name_at = start + _NUMBERS.size
    unit_at = name_at + lengths[0]
    query_at = unit_at + lengths[1]
    headers_at = query_at + lengths[2]
    repeated_at = headers_at + lengths[3]
    head_at = repeated_at + lengths[4]
    body_at = head_at + lengths[5]
    end = body_at + lengths[6]
    if end > len(payload):
        raise FrameError(f"exchange of {end - name_at} bytes is cut off at {len(payload) - name_at}")
    texts, pinned, response_headers = _unpack_repeated(payload[repeated_at:head_at])
    model, dialect, variant, version, role, experiment, slice_, method, path, error = texts
    return Exchange(
        payload[name_at:unit_at].decode("utf-8", "surrogateescape"),
        started_at,
        worker,
        settings_version,
        model,
        dialect,
        variant,
        version,
        cast(Role, role),
        experiment,
        epoch,
        payload[unit_at:query_at].decode("utf-8", "surrogateescape"),
        slice_,
        method,
        path,
        payload[query_at:headers_at].decode("utf-8", "surrogateescape"),
        status,
        error,
        latency_ms,
        upstream_ms,
        first_byte_ms,
        request_bytes,
        response_bytes,
        response_too_large,
        pinned,
        _unpack_fields(payload[headers_at:repeated_at]),
        response_headers,
        payload[head_at:body_at],
        payload[body_at:end],
    ), end


@lru_cache(REPEATED_MAX)
def _unpack_repeated(packed: bytes) -> tuple[list[str], tuple[str, ...], Fields]:
    """The texts that repeat but for the last two, the names of ``pinned``, and the response's headers."""
    lengths = _TEXTS.unpack_from(packed)
    start = _TEXTS.size
    parts = []
    for length in lengths:
        parts.append(packed[start : start + length])
        start += length
    if start != len(packed):
        raise FrameError(f"{len(packed)} bytes of text, expected {start}")
    *texts, pinned, headers = parts
    names = pinned.decode("utf-8", "surrogateescape")
    return (
        [text.decode("utf-8", "surrogateescape") for text in texts],
        tuple(names.split("\n")) if names else (),
        _unpack_fields(headers),
    )


@lru_cache(REPEATED_MAX)
def _unpack_fields(packed: bytes) -> Fields:
    lines = packed.decode("utf-8", "surrogateescape").split("\n")
    pairs = (line.partition(":") for line in lines if line)
    return tuple((name, value) for name, _, value in pairs)
