"""The part of the client for asyncio that is about tokens."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.client import calls_tokens
from sidecar.client.aio_asking import AsyncAsking
from sidecar.client.calls_tokens import Expires
from sidecar.client.records import NewToken, Token, Whoami
from sidecar.client.results import Records


class AsyncTokenMethods(AsyncAsking):
    """What ``AsyncClient`` can do about tokens."""

    async def whoami(self) -> Whoami:
        """Who this client is to the sidecar: ``name``, ``scopes``, ``expires_at``, and ``by`` what it knows that."""
        return await self._run(calls_tokens.whoami())

    async def tokens(self) -> Records[Token]:
        """Tokens that were made, newest first, without their secrets."""
        return await self._run(calls_tokens.tokens())

    async def create_token(
        self, name: str, scopes: Sequence[str] | str = ("read",), expires: Expires | None = None
    ) -> NewToken:
        """Make a token; ``token`` of the result is its secret, which is shown this once.

        ``scopes`` are among ``read``, ``feedback``, ``review`` and ``admin`` (docs/security.md); ``expires`` is a
        length of time (``"90d"``, a timedelta) or a time; None: it lasts until it is revoked. Raises InvalidRequest
        naming what is wrong.
        """
        return await self._run(calls_tokens.create_token(name, scopes, expires))

    async def revoke_token(self, token_id: str) -> Token:
        """End a token, and the sessions begun with it, at once and for good. Raises NotFound."""
        return await self._run(calls_tokens.revoke_token(token_id))
