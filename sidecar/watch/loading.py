"""Summaries read from the store page by page, so that a long window holds up neither memory nor other readers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence

from sidecar.recording import UNJUDGED_ROLES, Reader, SummaryRow

Load = Callable[[int, float, float, Collection[str]], AsyncIterator[Sequence[SummaryRow]]]
"""Pages of the rows of a width (s) in [since, until) of these models."""
PAGE_ROWS = 500


def pages_of(reader: Reader, version: str | None = None) -> Load:
    """The judged traffic of ``reader``'s store, of one version or all; no page is empty. Iterators raise StoreError."""

    async def load(
        width_s: int, since: float, until: float, models: Collection[str]
    ) -> AsyncIterator[Sequence[SummaryRow]]:
        after = None
        while True:
            page, after = await reader.summaries_page(
                since=since,
                until=until,
                width_s=width_s,
                models=list(models),
                after=after,
                limit=PAGE_ROWS,
                roles_without=UNJUDGED_ROLES,
                version=version,
            )
            if page:
                yield page
            if after is None:
                return

    return load
