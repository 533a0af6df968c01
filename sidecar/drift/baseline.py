"""What a period looked like, to be kept: its figures for people and alerts, and its blocks for comparisons."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

import numpy as np

from sidecar.drift.blocks import Block, Level
from sidecar.summaries import Histogram, Summary, SummaryError

BLOCKS_MAX = 2_000
"""Of one level kept in a baseline; a level with more is left out."""
CLASS_SHARES_MAX = 200
"""Classes whose share is among the figures, the most frequent."""
PAYLOAD_BYTES_MAX = 256 << 20
"""Of a baseline's blocks before compression."""

_VERSION = 1
_LEVELS = tuple(Level)
_HEAD = struct.Struct("<BdI")
"""Of each block: its level's place in Level, its start, the bytes of its summary, which follow."""


class BaselineError(ValueError):
    """Bytes that are no blocks this release can read, or blocks that are too many to keep."""


def figures_of(summary: Summary) -> dict[str, Any]:
    """What was normal, JSON-able; None where there is no data.

    ``p50_latency_ms`` ... are of all requests, upstream included; ``error_rate`` is the share of requests answered
    with 5xx, ``undecodable_rate`` of images that could not be read. ``brightness`` (0..1), ``width`` and ``height``
    (pixels) of the probed images have mean, p10, p50 and p90, as fine as their bins.

    >>> figures_of(Summary())["avg_confidence"], figures_of(Summary())["class_shares"]
    (None, {})
    """
    images, detections, requests = summary.images, summary.detections, summary.requests
    undecodable = sum(summary.undecodable.values())
    quantiles = {50: "p50", 90: "p90", 95: "p95", 99: "p99"}
    return {
        "requests": requests,
        "images": images,
        "detections": detections,
        "avg_confidence": _known(summary.avg_confidence),
        "detections_per_image": detections / images if images else None,
        "no_detection_rate": summary.images_without_detections / images if images else None,
        "undecodable_rate": undecodable / (images + undecodable) if images + undecodable else None,
        "error_rate": summary.failed / requests if requests else None,
        **{
            f"{name}_latency_ms": _known(summary.latency.quantile(percent / 100)) for percent, name in quantiles.items()
        },
        "class_shares": _class_shares(summary.class_counts),
        "brightness": _spread_of(summary.brightness),
        "width": _spread_of(summary.width),
        "height": _spread_of(summary.height),
    }


def encode_blocks(blocks: Mapping[Level, Sequence[Block]]) -> bytes:
    """A version byte and the compressed blocks; levels with more than BLOCKS_MAX are left out.

    Raises BaselineError where they come to more than PAYLOAD_BYTES_MAX.
    """
    pieces = []
    for place, level in enumerate(_LEVELS):
        of_level = blocks.get(level, ())
        if len(of_level) > BLOCKS_MAX:
            continue
        for block in of_level:
            encoded = block.summary.encode()
            pieces += [_HEAD.pack(place, block.start, len(encoded)), encoded]
    if sum(map(len, pieces)) > PAYLOAD_BYTES_MAX:
        raise BaselineError(f"baseline: its blocks are over {PAYLOAD_BYTES_MAX} bytes")
    return bytes((_VERSION,)) + zlib.compress(b"".join(pieces))


def decode_blocks(payload: bytes) -> dict[Level, list[Block]]:
    """What ``encode_blocks`` wrote, by level, without levels that have no block.

    Raises BaselineError for another version and for other bytes.
    """
    plain = _decompressed(payload)
    found: dict[Level, list[Block]] = {}
    place = 0
    while place < len(plain):
        if len(plain) - place < _HEAD.size:
            raise BaselineError("baseline: the blocks end in the middle of one")
        number, start, length = _HEAD.unpack_from(plain, place)
        place += _HEAD.size
        if number >= len(_LEVELS) or length > len(plain) - place:
            raise BaselineError("baseline: these are no blocks")
        try:
            summary = Summary.decode(plain[place : place + length])
        except SummaryError as error:
            raise BaselineError(f"baseline: {error}") from error
        found.setdefault(_LEVELS[number], []).append(Block(start, summary))
        place += length
    return found


def _decompressed(payload: bytes) -> bytes:
    if not payload or payload[0] != _VERSION:
        raise BaselineError(f"baseline: version {payload[:1].hex() or 'none'}, expected {_VERSION:02x}")
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(payload[1:], PAYLOAD_BYTES_MAX)
    except zlib.error as error:
        raise BaselineError(f"baseline: {error}") from error
    if not inflater.eof:
        raise BaselineError("baseline: the bytes end too early, or are too many")
    return plain


def _class_shares(counts: Mapping[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    frequent = sorted((name for name in counts if counts[name]), key=lambda name: (-counts[name], name))
    return {name: counts[name] / total for name in frequent[:CLASS_SHARES_MAX]}


def _spread_of(histogram: Histogram) -> dict[str, float] | None:
    """Values taken as in the middle of their bins for the mean, as spread evenly over them for the quantiles."""
    counts = np.array(histogram.dense(), np.float64)
    if not counts.any():
        return None
    edges = np.array((histogram.edges[0], *histogram.edges, histogram.edges[-1]))
    middles = (edges[:-1] + edges[1:]) / 2
    return {
        "mean": float(counts @ middles / counts.sum()),
        **{f"p{percent}": float(histogram.quantile(percent / 100)) for percent in (10, 50, 90)},
    }


def _known(value: float) -> float | None:
    return None if isnan(value) else value
