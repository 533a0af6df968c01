"""Lists that come page by page: the next page is asked for when it is needed, not before."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from sidecar.client.errors import ServerError, SidecarError
from sidecar.client.results import Record, Records

if TYPE_CHECKING:
    import pandas as pd

R = TypeVar("R", bound=Record)


class Page(NamedTuple, Generic[R]):
    """Some records, and the cursor of the page after them; None after the last."""

    items: Records[R]
    next: str | None


class _Ahead(Generic[R]):
    """What was asked for and not taken yet."""

    def __init__(self) -> None:
        self._ahead: deque[R] = deque()
        self._kind: type[Record] | None = None
        self._cursor: str | None = None

    @property
    def _is_all(self) -> bool:
        return self._kind is not None and self._cursor is None

    def _add(self, page: Page[R]) -> None:
        if page.next is not None and page.next == self._cursor:
            # such as a cache in between that does not look at the query: it would go on for ever
            raise ServerError("the page after this one is this one again; is something between here and the sidecar?")
        self._ahead.extend(page.items)
        self._kind, self._cursor = page.items.kind, page.next

    def _is_enough(self, count: int | None) -> bool:
        """Whether ``count`` are at hand, or all there are."""
        return self._is_all or (count is not None and len(self._ahead) >= count)

    def _taken(self, count: int | None) -> Records[R]:
        size = len(self._ahead) if count is None else min(count, len(self._ahead))
        return self._made([self._ahead.popleft() for _ in range(size)])

    def _made(self, records: list[R]) -> Records[R]:
        return Records(records, self._kind or Record)

    def __repr__(self) -> str:
        name = type(self).__name__
        if self._kind is None:
            return f"<{name}: nothing asked for yet>"
        more = "" if self._is_all else ", and more to ask for"
        return f"<{name} of {self._kind.__name__}: {len(self._ahead):,} at hand{more}>"

    def _repr_html_(self) -> str:
        return self._shown()

    def _shown(self, error: str = "") -> str:
        from html import escape

        told = f"<br>{escape(error)}" if error else ""
        rows = self._made(list(self._ahead))._repr_html_() if self._ahead else ""
        return f"<div>{escape(repr(self))}{told}{rows}</div>"


class Pages(_Ahead[R], Iterator[R]):
    """Records over all pages, newest first unless said otherwise. Each is given once: a second loop goes on where the
    first one stopped. In a notebook the first page shows itself, and is still there to be taken."""

    def __init__(self, ask: Callable[[str | None], Page[R]]) -> None:
        super().__init__()
        self._ask = ask

    def __next__(self) -> R:
        while not self._ahead:
            if self._is_all:
                raise StopIteration
            self._add(self._ask(self._cursor))
        return self._ahead.popleft()

    def take(self, count: int | None = None) -> Records[R]:
        """The next ``count`` at most; None: all that are left. Where a page fails those before it are still there."""
        while not self._is_enough(count):
            self._add(self._ask(self._cursor))
        return self._taken(count)

    def to_pandas(self, count: int | None = None) -> pd.DataFrame:
        """The next ``count`` at most, or all that are left, as a pandas DataFrame (see ``Records.to_pandas``)."""
        from sidecar.client.frames import imported

        imported()  # before anything is asked for
        return self.take(count).to_pandas()

    def _repr_html_(self) -> str:
        if self._kind is None:
            try:
                self._add(self._ask(None))
            except SidecarError as error:  # the next use raises it; here it is shown
                return self._shown(str(error))
        return self._shown()


class AsyncPages(_Ahead[R], AsyncIterator[R]):
    """Records over all pages, newest first unless said otherwise. Each is given once: a second loop goes on where the
    first one stopped."""

    def __init__(self, ask: Callable[[str | None], Awaitable[Page[R]]]) -> None:
        super().__init__()
        self._ask = ask

    async def __anext__(self) -> R:
        while not self._ahead:
            if self._is_all:
                raise StopAsyncIteration
            self._add(await self._ask(self._cursor))
        return self._ahead.popleft()

    async def take(self, count: int | None = None) -> Records[R]:
        """The next ``count`` at most; None: all that are left. Where a page fails those before it are still there."""
        while not self._is_enough(count):
            self._add(await self._ask(self._cursor))
        return self._taken(count)

    async def to_pandas(self, count: int | None = None) -> pd.DataFrame:
        """The next ``count`` at most, or all that are left, as a pandas DataFrame (see ``Records.to_pandas``)."""
        from sidecar.client.frames import imported

        imported()  # before anything is asked for
        return (await self.take(count)).to_pandas()
