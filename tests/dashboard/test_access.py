"""Access, in a browser: who one is, tokens made, shown once and revoked, and files to download."""

from __future__ import annotations

import re
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE

PATH = "/settings"

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
    """Its secret is in view with the focus, a key away from being copied; it works until it is revoked, is gone once
    it was taken, and stands nowhere else."""
    page.open()
    secret = make(page, HOSTILE, "read")
    assert re.fullmatch(r"sct_[\w-]{43}", secret)
    page.says("#access-secret", HOSTILE, "only this once")
    assert page.run("return document.activeElement.id") == "access-secret"
    assert page.run("return getSelection().toString()") == secret
    box = page.run("return document.querySelector('#access-secret').getBoundingClientRect().toJSON()")
    assert 0 <= box["top"] < box["bottom"] <= page.run("return innerHeight")
    page.run("window.kept = ''; navigator.clipboard.writeText = async (text) => { window.kept = text }")
    page.press("\ue004", "\ue007")
    page.says("#access-copied", "Copied.")
    assert page.run("return window.kept") == secret
    assert status_with(page, secret) == 200
    page.says("#access-tokens", HOSTILE, "read", "Live")
    page.run("document.querySelector('#access-hide').click()")
    assert not page.run("return document.body.textContent.includes(arguments[0])", secret)
    assert page.run("return document.activeElement.id") == "access-new"
    page.run("document.querySelector('#access-tokens button').click()")
    page.wait(lambda: page.run("return document.querySelector('#form-dialog').open"), "the question")
    page.run("document.querySelector('#form-submit').click()")
    page.says("#access-tokens", "Revoked")
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
