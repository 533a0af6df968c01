"""What is kept of a normal period."""

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sidecar.drift import BLOCKS_MAX, BaselineError, Block, Level, decode_blocks, encode_blocks, figures_of
from sidecar.drift.baseline import CLASS_SHARES_MAX
from sidecar.summaries import Summary
from sidecar.types import Prediction, RequestCounts, latency_index

MakeBlock = Callable[..., Block]


def test_figures_of_a_period_are_its_rates_and_quantiles(make_prediction: Callable[..., Prediction]) -> None:
    """Of predictions, counts of requests and the input probe."""
    summary = Summary()
    unread = replace(make_prediction(4.0, []), detections=None, undecodable="shape")
    summary.add_predictions(
        [make_prediction(1.0, [0.9, 0.7], [0, 1]), make_prediction(2.0, [0.6]), make_prediction(3.0, []), unread]
    )
    latency = {latency_index(10.0): 90, latency_index(100.0): 10}
    summary.add_counts(
        RequestCounts(0, "m", "1", "serving", "", 0, "", 100, {200: 96, 503: 3, 404: 1}, {}, latency, 1_900_000)
    )
    for brightness in (0.2, 0.2, 0.6, 0.6):
        summary.add_probe(640, 480, brightness)
    figures = figures_of(summary)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert (figures["requests"], figures["images"], figures["detections"]) == (100, 3, 3)
    assert figures["avg_confidence"] == pytest.approx(0.7, abs=1e-6)
    assert figures["detections_per_image"] == 1.0
    assert figures["no_detection_rate"] == pytest.approx(1 / 3)
    assert figures["undecodable_rate"] == 0.25
    assert figures["error_rate"] == 0.03
    assert figures["p50_latency_ms"] == pytest.approx(10, rel=0.05)
    assert figures["p99_latency_ms"] == pytest.approx(100, rel=0.05)
    assert figures["class_shares"] == {"car": pytest.approx(2 / 3), "person": pytest.approx(1 / 3)}
    assert figures["brightness"]["mean"] == pytest.approx(0.4, abs=1 / 64)
    assert figures["brightness"]["p90"] == pytest.approx(0.6, abs=1 / 32)
    assert figures["width"]["p50"] == pytest.approx(640, rel=0.2)


def test_figures_without_data_are_none() -> None:
    """No zero stands for what is not known."""
    figures = figures_of(Summary())
    counts = {"requests": 0, "images": 0, "detections": 0, "class_shares": {}}
    assert {name: figures[name] for name in counts} == counts
    assert {name for name, value in figures.items() if value is not None} == set(counts)


def test_class_shares_are_those_of_the_most_frequent(make_block: MakeBlock) -> None:
    """Bounded, by falling share; the shares are of all detections."""
    shares = figures_of(make_block(0, {f"c{n:03}": 1 + n for n in range(300)}).summary)["class_shares"]
    assert len(shares) == CLASS_SHARES_MAX
    assert next(iter(shares)) == "c299"
    assert shares["c299"] == 300 / sum(range(1, 301))


def test_blocks_come_back_as_they_were(make_block: MakeBlock) -> None:
    """Of every level that has some, in their order, starts with fractions too."""
    blocks: dict[Level, list[Block]] = {
        Level.DAY: [make_block(86_400.0 * day, {"car": day, "köttbulle": 1}) for day in range(3)],
        Level.HOUR: [],
        Level.IMAGE: [make_block(0.123456, {"car": 1}, brightness=[0.4])],
    }
    payload = encode_blocks(blocks)
    assert decode_blocks(payload) == {level: of_level for level, of_level in blocks.items() if of_level}
    assert decode_blocks(encode_blocks({})) == {}


def test_a_level_with_too_many_blocks_is_left_out(make_block: MakeBlock) -> None:
    """BLOCKS_MAX are kept, one more is not; other levels are."""
    one = make_block(0.0, {"car": 1})
    many = [one] * (BLOCKS_MAX + 1)
    assert list(decode_blocks(encode_blocks({Level.DAY: [one], Level.HOUR: many}))) == [Level.DAY]
    assert len(decode_blocks(encode_blocks({Level.HOUR: many[1:]}))[Level.HOUR]) == BLOCKS_MAX


def test_blocks_that_are_too_large_together_are_refused(make_block: MakeBlock, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the way in, and on the way out, where few bytes could blow up to many."""
    payload = encode_blocks({Level.DAY: [make_block(0.0, {"car": 1})] * 20})
    monkeypatch.setattr("sidecar.drift.baseline.PAYLOAD_BYTES_MAX", 1_000)
    with pytest.raises(BaselineError, match="over 1000 bytes"):
        encode_blocks({Level.DAY: [make_block(0.0, {"car": 1})] * 20})
    with pytest.raises(BaselineError, match="too many"):
        decode_blocks(payload)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda payload: b"", "version none"),
        (lambda payload: b"\x63" + payload[1:], "version 63, expected 01"),
        (lambda payload: payload[:-4], "end too early"),
        (lambda payload: payload[:1] + b"nonsense", "incorrect header"),
        (lambda payload: payload[:1] + zlib.compress(b"short"), "in the middle"),
        (lambda payload: payload[:1] + zlib.compress(bytes(12) + b"\xff"), "no blocks"),
        (lambda payload: payload[:1] + zlib.compress(b"\x63" + bytes(12)), "no blocks"),
        (lambda payload: payload[:1] + zlib.compress(bytes(13)), "summary: version none"),
    ],
)
def test_bytes_that_are_no_blocks_are_refused(
    make_block: MakeBlock, spoil: Callable[[bytes], bytes], says: str
) -> None:
    """With BaselineError and what is wrong, whatever they are."""
    payload: Any = spoil(encode_blocks({Level.DAY: [make_block(0.0, {"car": 1})]}))
    with pytest.raises(BaselineError, match=says):
        decode_blocks(payload)
