"""The section of access, in a browser: who one is, tokens made, shown once and revoked, and files to download."""

from __future__ import annotations

import csv
import io
import re
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE

FIELD = "#form-dialog [data-name='{}']"


def status_with(page: Page, secret: str, path: str = "/api/v1/status") -> int:
    """What the API answers to a token."""
    try:
        with urlopen(Request(page.url + path, headers={"Authorization": f"Bearer {secret}"})) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def make(page: Page, name: str, scope: str) -> str:
    """Make a token by the form; its secret."""
    page.run("document.querySelector('#access-new').click()")
    page.wait(lambda: page.run("return document.querySelector('#form-dialog').open"), "the form")
    page.run("document.querySelector(arguments[0]).value = arguments[1]", FIELD.format("name"), name)
    page.run("document.querySelector(arguments[0]).value = arguments[1]", FIELD.format("scopes"), scope)
    page.run("document.querySelector('#form-submit').click()")
    secret: str = page.wait(
        lambda: page.run("return document.querySelector('#access-secret-text').textContent"), "the secret"
    )
    return secret


def test_page_says_who_is_there(page: Page) -> None:
    """On loopback without a token everything may be done."""
    page.open()
    page.says("#access-who", "this machine", "admin")
    page.says("#access-empty", "No token was made yet.")


def test_token_is_made_shown_once_and_revoked(page: Page) -> None:
    """Its secret works until it is revoked, is gone once it was copied, and stands nowhere else."""
    page.open()
    secret = make(page, HOSTILE, "read")
    assert re.fullmatch(r"sct_[\w-]{43}", secret)
    assert status_with(page, secret) == 200
    page.says("#access-tokens", HOSTILE, "read", "live")
    page.run("document.querySelector('#access-hide').click()")
    assert not page.run("return document.body.textContent.includes(arguments[0])", secret)
    page.run("document.querySelector('#access-tokens button').click()")
    page.wait(lambda: page.run("return document.querySelector('#form-dialog').open"), "the question")
    page.run("document.querySelector('#form-submit').click()")
    page.says("#access-tokens", "revoked")
    assert status_with(page, secret) == 401


def test_faulty_token_is_said_in_the_form(page: Page) -> None:
    """Nothing is made, and the field that is wrong says so."""
    page.open()
    page.run("document.querySelector('#access-new').click()")
    page.wait(lambda: page.run("return document.querySelector('#form-dialog').open"), "the form")
    page.run("document.querySelector(arguments[0]).value = 'ci'", FIELD.format("name"))
    page.run("document.querySelector(arguments[0]).value = '-5'", FIELD.format("days"))
    page.run("document.querySelector('#form-submit').click()")
    page.says("#form-dialog", "must be in the future")


@pytest.mark.parametrize("what", ["predictions", "detections"])
def test_files_can_be_downloaded_from_the_page(page: Page, what: str) -> None:
    """The links lead to whole files."""
    page.open()
    found = page.run("return [...document.querySelectorAll('a[download]')].map((link) => link.href)")
    (link,) = [entry for entry in found if f"/{what}/" in entry and "csv" in entry]
    with urlopen(link) as answer:
        rows = list(csv.DictReader(io.TextIOWrapper(answer, newline="")))
    assert {row["prediction_id"] for row in rows} == {"p0", "p1"}
