"""Makes the client for ordinary code of the one for asyncio: ``python -m tests.client.unasync [--write]``.

What a call is, is said once: what to send and how to read the answer in ``calls*.py``, the methods in ``aio*.py``. Of
each ``aio*.py`` this makes the ``sync*.py`` beside it, word by word. Without ``--write`` it only says which of them are
not as they would be made.
"""

from __future__ import annotations

import re
import sys

from tests.client.tidying import CLIENT, tidied

WORDS = (
    (r"\basync def\b", "def"),
    (r"\ban ``async with``", "a ``with``"),
    (r"\basync (with|for)\b", r"\1"),
    (r"\bawait asyncio\.to_thread\((\w+(?:\.\w+)*), ", r"\1("),
    (r"\bawait asyncio\.to_thread\((.+)\)$", r"\1()"),
    (r"\bawait ", ""),
    (r"\bAwaitable\[(\w+)\]", r"\1"),
    (r", Awaitable\b", ""),
    (r"\bAsync([A-Z]\w+)", r"\1"),
    (r"\baio(_\w+)?\b", r"sync\1"),
    (r"\b__a(enter|exit|iter|next)__\b", r"__\1__"),
    (r"\ba(iter_bytes|read|close)\b", r"\1"),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"^import asyncio$", "import time"),
    ("for asyncio", "for ordinary code"),
    (r"\(an awaitable\) ", ""),
    (", as ``Client`` has it, awaited", ""),
)
"""What takes the place of what, in this order."""
NOTICE = "Made of {source} by tests/client/unasync.py: change that, not this."


def sync_of(source: str, name: str) -> str:
    """The sync twin of the text of a module called ``name``.

    >>> print(sync_of('\"\"\"Calls.\"\"\"\\n\\nasync def f() -> None:\\n    await g()\\n', "aio_x.py"))
    \"\"\"Calls.
    <BLANKLINE>
    Made of aio_x.py by tests/client/unasync.py: change that, not this.
    \"\"\"
    <BLANKLINE>
    <BLANKLINE>
    def f() -> None:
        g()
    <BLANKLINE>
    """
    made = source
    for pattern, word in WORDS:
        made = re.sub(pattern, word, made, flags=re.MULTILINE)
    doc, quotes, rest = made.removeprefix('"""').partition('"""')
    return tidied(f'"""{doc.rstrip()}\n\n{NOTICE.format(source=name)}\n{quotes}{rest}')


def stale(write: bool) -> list[str]:
    """The twins that are not as they would be made; they are made anew where told to."""
    made = {
        path.name.replace("aio", "sync", 1): sync_of(path.read_text(), path.name)
        for path in sorted(CLIENT.glob("aio*.py"))
    }
    found = [name for name, text in made.items() if not (CLIENT / name).exists() or (CLIENT / name).read_text() != text]
    gone = [path.name for path in CLIENT.glob("sync*.py") if path.name not in made]
    if write:
        for name in found:
            (CLIENT / name).write_text(made[name])
        for name in gone:
            (CLIENT / name).unlink()
    return [*found, *gone]


if __name__ == "__main__":
    writes = "--write" in sys.argv[1:]
    for twin in stale(writes):
        print(f"{'written' if writes else 'stale'}: {twin}")
