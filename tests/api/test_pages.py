"""The dashboard's files."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

Http = TestClient[Any, Any]


async def test_page_is_served_under_a_strict_policy(http: Http) -> None:
    """Nothing runs in the page but its own files."""
    answer = await http.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = await answer.text()
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page)
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        assert (await http.get(path)).status == 200


@pytest.mark.parametrize("name", ["..%2f__init__.py", "index.html", "nope.js"])
async def test_other_files_are_not_served(http: Http, name: str) -> None:
    """Static files go by exact name."""
    assert (await http.get(f"/static/{name}")).status == 404
