"""The frames between worker and monitor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.link import (
    FrameDecoder,
    FrameError,
    Kind,
    pack_ask,
    pack_counts,
    pack_frame,
    pack_image,
    pack_reply,
    settings_from_json,
    settings_to_json,
    unpack_ask,
    unpack_counts,
    unpack_image,
    unpack_reply,
)
from sidecar.types import Experiment, FeedbackPath, Pin, ProxySettings, RequestCounts, RoutePattern, Shadow, Variant

PAYLOADS = st.lists(st.tuples(st.sampled_from(list(Kind)), st.integers(0, 2**64 - 1), st.binary(max_size=300)))


@given(PAYLOADS, st.lists(st.integers(1, 400)))
def test_any_segmentation_gives_the_same_frames(frames: list[tuple[Kind, int, bytes]], cuts: list[int]) -> None:
    """Frames come out as they went in, however the stream was cut."""
    stream = b"".join(pack_frame(kind, payload, sequence) for kind, sequence, payload in frames)
    decoder = FrameDecoder()
    found = []
    for cut in [*cuts, len(stream)]:
        found += list(decoder.feed(stream[:cut]))
        stream = stream[cut:]
    assert [(frame.kind, frame.sequence, frame.payload) for frame in found] == frames


@pytest.mark.parametrize(
    "received", [b"\xff\xff\xff\xff\x01", b"\x00\x00\x00\x00\x01", pack_frame(Kind.ACK)[:4] + b"\xc8" + bytes(8)]
)
def test_what_is_no_frame_is_refused(received: bytes) -> None:
    """An oversized, undersized or unknown frame ends the stream with an error."""
    with pytest.raises(FrameError):
        list(FrameDecoder().feed(received))


def test_counts_keep_their_integer_keys() -> None:
    """JSON makes keys text; they are integers again on the other side."""
    counts = RequestCounts(10, "m", "v", "control", "e", 2, "", 3, {200: 2, 0: 1}, {"reset": 1}, {-5: 1}, 9, {4: 2}, 8)
    assert unpack_counts(pack_counts([counts])) == [counts]


def test_settings_survive_as_plain_values() -> None:
    """A worker gets the settings that were compiled."""
    settings = ProxySettings(
        version=3,
        variants=(Variant("A", "http://h:1"), Variant("B", "http://h:2", "v2", "/p", "upstream")),
        default="A",
        routes=(RoutePattern(("POST",), "/v2/models/{model}/infer", "kserve_v2"),),
        experiments=(
            Experiment(
                "e", "A", ("B", "C"), (0.1, 0.2), "header:x-camera-id", exclude="x-probe=1", override="x-variant"
            ),
        ),
        shadows=(Shadow("s", "B", 0.5, "det", "salt", 3),),
        production=(("det", "B"), ("*", "A")),
        pins=(Pin("random_sample", 0.05),),
        trusted_proxies=("10.0.0.1",),
        feedback=FeedbackPath("/feedback", ("https://app.example.com", "*"), 7),
    )
    assert settings_from_json(settings_to_json(settings)) == settings


def test_image_parts_say_where_they_belong() -> None:
    """A part knows its request, its offset and the whole's size; one that passes the whole is refused."""
    assert unpack_image(pack_image("id.0", 5, 8, b"abc")) == ("id.0", 5, 8, b"abc")
    with pytest.raises(FrameError):
        unpack_image(pack_image("id", 5, 7, b"abc"))


@given(st.integers(0, 2**64 - 1), st.binary(max_size=300))
def test_questions_and_replies_survive_the_link(number: int, body: bytes) -> None:
    """The body of a question is bytes, whatever they are, and its number comes back with the reply."""
    assert unpack_ask(pack_ask(number, body)) == (number, body)
    media_type = "application/problem+json"
    assert unpack_reply(pack_reply(number, 422, media_type, body)) == (number, 422, media_type, body)


@pytest.mark.parametrize(
    ("status", "media_type", "body"),
    [
        *((status, "application/json", b"") for status in (100, 204, 304, 600, -1)),
        (200, "text/html", b""),
        (200, "application/json\r\nX: y", b""),
        (200, "application/json", bytes((256 << 10) + 1)),
    ],
)
def test_reply_that_no_client_can_be_sent_is_refused(status: int, media_type: str, body: bytes) -> None:
    """A status without content, another media type or a body over its bound never reaches the link."""
    with pytest.raises(ValueError, match="reply"):
        pack_reply(1, status, media_type, body)


@pytest.mark.parametrize("payload", [b"", bytes(10), bytes(8) + b"\xc8\x00\x02", bytes(8) + b"\xcc\x00\x00"])
def test_what_is_no_reply_is_refused(payload: bytes) -> None:
    """A cut-off reply, an unknown media type or a status that no client can be sent ends the link."""
    with pytest.raises(FrameError):
        unpack_reply(payload)
    with pytest.raises(FrameError):
        unpack_ask(payload[:7])
