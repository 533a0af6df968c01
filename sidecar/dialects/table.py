"""The dialects by name, and the one way in: ``decode``, and ``decode_all`` for many exchanges at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sidecar.dialects import detect, kserve_v2, roboflow, tensorflow_serving, torchserve, ultralytics
from sidecar.dialects.columns import RawImage
from sidecar.dialects.finishing import finish
from sidecar.dialects.reply import Reply, open_reply
from sidecar.dialects.terms import DecodedImage, DialectSettings, Undecodable
from sidecar.types import Exchange

DIALECTS: Mapping[str, Callable[[Reply], list[RawImage]]] = {
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
    (outcome,) = decode_all([(exchange, settings)])
    if isinstance(outcome, Undecodable):
        raise outcome
    return outcome


def decode_all(asked: Sequence[tuple[Exchange, DialectSettings]]) -> list[list[DecodedImage] | Undecodable]:
    """What ``decode`` gives or raises for each, in less time than one by one."""
    read = [_read_columns(exchange, settings) for exchange, settings in asked]
    finished = iter(_finished([raw for outcome in read if isinstance(outcome, list) for raw in outcome]))
    return [
        outcome if isinstance(outcome, Undecodable) else _sound([next(finished) for _ in outcome]) for outcome in read
    ]


def _read_columns(exchange: Exchange, settings: DialectSettings) -> list[RawImage] | Undecodable:
    try:
        reply = open_reply(exchange, settings)
        named = settings.dialect != "auto"
        images = _read(settings.dialect, reply) if named else _by_hint(exchange.dialect, reply)
    except Undecodable as error:
        return error
    except Exception as error:
        return _unforeseen(error)
    return images or Undecodable("missing_output", "a response about no image at all")


def _finished(raws: list[RawImage]) -> list[DecodedImage | Undecodable]:
    try:
        return finish(raws)
    except Exception as error:
        if len(raws) == 1:
            return [_unforeseen(error)]
        return [outcome for raw in raws for outcome in _finished([raw])]


def _unforeseen(error: Exception) -> Undecodable:
    """The body is a stranger's: a value of a type that no dialect foresaw must not end the monitor."""
    return Undecodable("shape", f"{type(error).__name__}: {error}"[:200])


def _sound(images: list[DecodedImage | Undecodable]) -> list[DecodedImage] | Undecodable:
    """All images of an exchange, or what is wrong with the first that has a fault."""
    found: list[DecodedImage] = []
    for image in images:
        if isinstance(image, Undecodable):
            return image
        found.append(image)
    return found


def _read(dialect: str, reply: Reply) -> list[RawImage]:
    if isinstance(reply.value, dict):
        detect.raise_reported_error(reply.value)
    return DIALECTS[dialect](reply)


def _by_hint(hint: str, reply: Reply) -> list[RawImage]:
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
