"""Exchanges as bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.link import FrameError
from sidecar.shipping import pack_exchange, unpack_exchanges
from tests.kit.build import exchange

ODD = st.text(st.characters(codec="utf-8", exclude_characters="\n:"), max_size=9) | st.just(
    "/\udcff"
)  # as bytes can be


def test_exchanges_survive_the_link() -> None:
    """Several exchanges in one frame come back equal, odd bytes and all."""
    first = exchange(pinned=("random_sample", "input_probe"), unit="Kamera 7 ü", response_body=bytes(range(256)))
    second = replace(first, prediction_id="x", path="/\udcff", epoch=-1, request_headers=(("a", "b:c"), ("a", "")))
    payload = pack_exchange(first) + pack_exchange(second)
    assert list(unpack_exchanges(payload)) == [first, second]


@given(st.integers(1, 400))
def test_a_cut_off_exchange_is_refused(cut: int) -> None:
    """Half an exchange is an error, never a shorter exchange."""
    payload = pack_exchange(exchange())
    with pytest.raises(FrameError):
        list(unpack_exchanges(payload[: -min(cut, len(payload) - 1)]))


@given(st.lists(st.tuples(ODD, ODD, ODD, ODD), min_size=1, max_size=5))
def test_what_repeats_and_what_does_not_never_mix(texts: list[tuple[str, str, str, str]]) -> None:
    """Exchanges that share some of their texts come back with their own, however the bytes between them fall."""
    sent = []
    for model, path, unit, value in texts:
        sent.append(exchange(model=model, path=path, unit=unit, request_headers=(("x", value),)))
        sent.append(exchange(model=path, path=model, unit=value, response_headers=(("x", unit),)))
    assert list(unpack_exchanges(b"".join(map(pack_exchange, sent)))) == sent


def test_text_that_does_not_fill_its_bytes_is_refused() -> None:
    """Lengths that do not add up are an error, never another exchange."""
    payload = bytearray(pack_exchange(exchange(model="det")))
    at = payload.index((3).to_bytes(4, "little"), 60)
    payload[at] = 2
    with pytest.raises(FrameError):
        list(unpack_exchanges(bytes(payload)))
