"""Values as an error or the log may quote them: without the users, passwords and tokens that travel in URLs."""

from __future__ import annotations

import re

HIDDEN = "***"
_USER = re.compile(r"^(\s*[a-z][a-z0-9+.-]*://)?.*@", re.IGNORECASE | re.DOTALL)
_QUERY = re.compile(r"\?.+", re.DOTALL)
_USER_IN_TEXT = re.compile(r"([a-z][a-z0-9+.-]*://)\S*@", re.IGNORECASE)
_QUERY_IN_TEXT = re.compile(r"([a-z][a-z0-9+.-]*://[^\s?'\"]*\?)[^\s'\"]+", re.IGNORECASE)


def masked_url(url: str) -> str:
    """What was given as a URL without all before its last ``@`` and after its ``?``: where it is none, a password may
    stand anywhere.

    >>> masked_url("http://u:geheim@host:1"), masked_url("u:p/w@host"), masked_url("http://host/?token=t")
    ('http://***@host:1', '***@host', 'http://host/?***')
    """
    return _QUERY.sub(f"?{HIDDEN}", _USER.sub(rf"\1{HIDDEN}@", url, count=1))


def masked_text(text: str) -> str:
    """A sentence whose URLs are masked.

    >>> masked_text("is 'https://me:pw@hub/in?key=k', no address; write to ops@example.com")
    "is 'https://***@hub/in?***', no address; write to ops@example.com"
    """
    return _QUERY_IN_TEXT.sub(rf"\1{HIDDEN}", _USER_IN_TEXT.sub(rf"\1{HIDDEN}@", text))
