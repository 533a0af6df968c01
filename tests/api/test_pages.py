"""The dashboard's files."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from yarl import URL

from sidecar.api.services import Services
from sidecar.dashboard import site

Http = TestClient[Any, Any]


@pytest.mark.parametrize("path", ["/", "/predictions", "/predictions/p-1", "/settings", "/docs"])
async def test_page_is_served_under_a_strict_policy(http: Http, path: str) -> None:
    """Nothing runs in a page but the sidecar's own files."""
    answer = await http.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = await answer.text()
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page)
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        assert (await http.get(path)).status == 200


@pytest.mark.parametrize("name", ["..%2f__init__.py", "index.html", "nope.js", "base/nope.js", "base/../base/page.js"])
async def test_other_files_are_not_served(http: Http, name: str) -> None:
    """Static files go by exact name."""
    url = URL(f"{http.make_url('/')}static/{site().digest}/{name}", encoded=True)
    assert (await http.session.get(url)).status == 404


async def test_static_file_is_kept_where_its_address_is_this_release(http: Http) -> None:
    """A page of an older release, still open, gets this release's files and keeps none of them."""
    current = await http.get(site().address("base/page.js"))
    older = await http.get("/static/0123456789ab/base/page.js")
    assert current.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert older.headers["Cache-Control"] == "no-store"
    assert await current.read() == await older.read()


@pytest.mark.parametrize(("accepted", "coding"), [("gzip, br", "gzip"), ("gzip;q=0", None), ("identity", None)])
async def test_page_is_packed_where_that_is_taken(http: Http, accepted: str, coding: str | None) -> None:
    """By what the asker says (RFC 9110, section 12.5.3)."""
    for path in ("/", site().address("base/style.css")):
        answer = await http.get(path, headers={"Accept-Encoding": accepted})
        assert answer.headers.get("Content-Encoding") == coding
        assert answer.headers["Vary"] == "Accept-Encoding"


async def test_large_answer_of_the_api_is_packed(http: Http) -> None:
    """One that is small is sent as it is; one with an entity tag too, which is of its bytes."""
    large = await http.get("/api/v1/predictions", headers={"Accept-Encoding": "gzip"})
    small = await http.get("/api/v1/whoami", headers={"Accept-Encoding": "gzip"})
    assert large.headers.get("Content-Encoding") == "gzip"
    assert "Content-Encoding" not in small.headers
    assert (await large.json())["items"]


async def test_login_leads_back_to_the_page_that_was_asked(services: Services, serve: Any) -> None:
    """To a page of this dashboard only, whatever the form says."""
    client = await serve(replace(services, token="a secret of at least some length"))
    asked = await client.get("/predictions?label=a%26b", allow_redirects=False)
    assert asked.headers["Location"] == "/login?next=%2Fpredictions%3Flabel%3Da%2526b"
    form = await (await client.get(asked.headers["Location"])).text()
    assert 'name="next" value="/predictions?label=a%26b"' in form
    for wanted, found in (
        ("/predictions?label=a%26b", "/predictions?label=a%26b"),
        ("//evil.example", "/"),
        ("//[", "/"),
    ):
        fields = {"token": "a secret of at least some length", "next": wanted}
        answer = await client.post("/login", data=fields, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, found)
