"""The dialects by name, and ``decode``, the one way in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sidecar.dialects import detect, kserve_v2, roboflow, tensorflow_serving, torchserve, ultralytics
from sidecar.dialects.reply import Reply, open_reply
from sidecar.dialects.terms import DecodedImage, DialectSettings, Undecodable
from sidecar.types import Exchange

DIALECTS: Mapping[str, Callable[[Reply], list[DecodedImage]]] = {
    "auto": detect.decode,
    "kserve_v2": kserve_v2.decode,
    "tensorflow_serving": tensorflow_serving.decode,
    "torchserve": torchserve.decode,
    "roboflow": roboflow.decode,
    "ultralytics": ultralytics.decode,
}


def decode(exchange: Exchange, settings: DialectSettings) -> list[DecodedImage]:
    """The detections of each image of ``exchange``, in the order of the request's images.

    A dialect that ``settings`` name is binding. Otherwise the route's dialect is tried, then the body's shape.
    Raises Undecodable, and nothing else, whatever the bytes.
    """
    try:
        reply = open_reply(exchange, settings)
        named = settings.dialect != "auto"
        images = _read(settings.dialect, reply) if named else _by_hint(exchange.dialect, reply)
    except Undecodable:
        raise
    except Exception as error:
        # The body is a stranger's: a value of a type that no dialect foresaw must not end the monitor.
        raise Undecodable("shape", f"{type(error).__name__}: {error}"[:200]) from error
    if not images:
        raise Undecodable("missing_output", "a response about no image at all")
    return images


def _read(dialect: str, reply: Reply) -> list[DecodedImage]:
    if isinstance(reply.value, dict):
        detect.raise_reported_error(reply.value)
    return DIALECTS[dialect](reply)


def _by_hint(hint: str, reply: Reply) -> list[DecodedImage]:
    if hint == "auto" or hint not in DIALECTS:
        return detect.decode(reply)
    try:
        return _read(hint, reply)
    except Undecodable as first:
        if first.reason not in detect.ANOTHER_FORMAT:
            raise
        try:
            return detect.decode(reply)
        except Undecodable:
            raise first from None
