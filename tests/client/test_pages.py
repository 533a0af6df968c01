"""Lists that come page by page."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

import pytest

from sidecar.client import AsyncClient, Client, Records, ServerError
from sidecar.client.records import Sample
from tests.client.scripted import Script


def test_next_page_is_asked_for_when_it_is_needed(script: Script, client: Client) -> None:
    """The second page is asked for when the first is used up, with what it was asked for first and the cursor."""
    script.will_give({"items": [{"n": 1}, {"n": 2}], "next": "c"})
    script.will_give({"items": [{"n": 3}], "next": None})
    found = client.predictions(model="m", since=datetime(2026, 1, 1, tzinfo=UTC), label=None, limit=2)
    assert script.asked == []
    assert [next(found)["n"], next(found)["n"]] == [1, 2]
    assert len(script.asked) == 1
    assert [record["n"] for record in found] == [3]
    asked = "GET /api/v1/predictions?model=m&since=2026-01-01T00%3A00%3A00%2B00%3A00&limit=2"
    assert script.calls == [asked, f"{asked}&cursor=c"]
    assert list(found) == []
    assert len(script.asked) == 2


def test_page_without_items_is_not_the_last(script: Script, client: Client) -> None:
    """A page may be short; the cursor tells whether there are more."""
    script.will_give({"items": [], "next": "c"})
    script.will_give({"items": [{"n": 1}], "next": None})
    assert [sample["n"] for sample in client.samples()] == [1]


def test_part_may_be_taken_and_the_rest_later(script: Script, client: Client) -> None:
    """Records of their kind, the rest afterwards; none is an empty list."""
    script.will_give({"items": [{"n": 1}, {"n": 2}, {"n": 3}], "next": "c"})
    script.will_give({"items": [{"n": 4}], "next": None})
    samples = client.samples()
    first = samples.take(2)
    assert (first, type(first), first.kind, len(script.asked)) == ([{"n": 1}, {"n": 2}], Records, Sample, 1)
    assert samples.take(0) == []
    assert samples.take() == [{"n": 3}, {"n": 4}]
    assert samples.take(5) == []


def test_notebook_shows_the_first_page_and_keeps_it(script: Script, client: Client) -> None:
    """Looking takes nothing away and asks once."""
    script.will_give({"items": [{"sample_id": "s<1>"}], "next": "c"})
    samples = client.samples()
    assert repr(samples) == "<Pages: nothing asked for yet>"
    assert "s&lt;1&gt;" in samples._repr_html_()
    assert samples._repr_html_().count("&lt;Pages of Sample: 1 at hand, and more to ask for&gt;") == 1
    assert len(script.asked) == 1
    assert next(samples).sample_id == "s<1>"


def test_notebook_shows_why_a_sidecar_does_not_answer(script: Script, client: Client) -> None:
    """An error while something is shown is none of the notebook's; the next use raises it."""
    script.will_give({"type": "about:blank", "detail": "no <room>"}, 500)
    script.will_give({"type": "about:blank", "detail": "no <room>"}, 500)
    samples = client.samples()
    shown = samples._repr_html_()
    assert "nothing asked for yet" in shown
    assert "no &lt;room&gt;" in shown
    with pytest.raises(ServerError):
        next(samples)


async def test_async_pages_do_the_same(script: Script) -> None:
    """Awaited, and shown without asking."""
    script.will_give({"items": [{"n": 1}, {"n": 2}], "next": "c"})
    script.will_give({"items": [{"n": 3}], "next": None})
    async with AsyncClient(script.url) as client:
        samples = client.samples()
        assert repr(samples) == "<AsyncPages: nothing asked for yet>"
        assert "nothing asked for yet" in samples._repr_html_()
        assert await samples.take(1) == [{"n": 1}]
        assert samples._repr_html_().count("<tr>") == 2
        assert [sample["n"] async for sample in samples] == [2, 3]
        assert await samples.take() == []


def test_page_that_fails_takes_nothing_away(script: Script, client: Client) -> None:
    """What came before it is still there for the next try."""
    script.will_give({"items": [{"n": 1}, {"n": 2}], "next": "c"})
    script.will_give({"type": "about:blank", "detail": "no"}, 500)
    script.will_give({"items": [{"n": 3}], "next": None})
    samples = client.samples()
    with pytest.raises(ServerError):
        samples.take()
    assert samples.take() == [{"n": 1}, {"n": 2}, {"n": 3}]


async def test_page_that_is_not_waited_for_takes_nothing_away(script: Script) -> None:
    """A task that is cancelled has not taken anything."""
    waiting = asyncio.Event()

    async def sleep(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    script.will_give({"items": [{"n": 1}], "next": "c"})
    script.will_give(b"", 503)
    async with AsyncClient(script.url, sleep=sleep) as client:
        samples = client.samples()
        taking = asyncio.create_task(samples.take())
        await waiting.wait()
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        assert await samples.take(1) == [{"n": 1}]


def test_page_that_leads_to_itself_is_an_error(script: Script, client: Client) -> None:
    """A cache in between that does not look at the query would else be asked for ever."""
    script.will_give({"items": [{"n": 1}], "next": "c"})
    script.will_give({"items": [{"n": 1}], "next": "c"})
    with pytest.raises(ServerError, match="this one again"):
        client.samples().take()
    assert len(script.asked) == 2


async def test_frame_without_pandas_asks_for_nothing(
    script: Script, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than for all pages first."""
    monkeypatch.setitem(sys.modules, "pandas", None)  # what makes an import fail
    with pytest.raises(ImportError, match="pandas"):
        client.samples().to_pandas()
    async with AsyncClient(script.url) as aio:
        with pytest.raises(ImportError, match="pandas"):
            await aio.samples().to_pandas()
    assert script.asked == []
