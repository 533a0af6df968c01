"""Who asks: what a request shows of a token, a session or a certificate, and how failures are slowed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from aiohttp import web

from sidecar.access import TOKENS_MAX, Asker, Slowing, Token, TokenFile, TokenFileError, secret_hash
from sidecar.access.askers import CERTIFICATE, LOOPBACK
from sidecar.access.slowing import WAIT_S_MAX
from sidecar.access.tokens import same_hash
from sidecar.api.problems import Problem

COOKIE = "sidecar_session"
SESSION_S = 12 * 3600
FIXED = "file"
"""The id of the token that ``admin.token_file`` holds."""
REASONS = ("missing", "scheme", "unknown_token", "expired", "revoked", "scope", "slowed", "unreadable")
"""Why a request is not let in; unreadable: the file of tokens is."""
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="sidecar"'}
USED_EVERY_S = 300.0
"""How far apart the uses of a token are that are noted: a scraper must not make the file be written all the time."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Door:
    """Lets in whoever shows what is right.

    ``token`` is the one of ``admin.token_file``, ``tokens`` the file of those that were made. ``demanded``: nobody is
    let in without one. ``certificates``: the connection could not be there without a client's certificate. ``clock`` is
    of the day, which tokens end by; ``steady`` and ``sleep`` are what failures wait by. ``refused`` counts who was not
    let in, by reason.
    """

    token: str | None = field(default=None, repr=False)
    tokens: TokenFile | None = None
    demanded: bool = False
    certificates: bool = False
    clock: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    refused: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(REASONS, 0)))
    slowing: Slowing = field(default_factory=Slowing)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _fault: str = ""
    _used: dict[str, float] = field(default_factory=dict)
    _noted: dict[str, float] = field(default_factory=dict)
    _noting: asyncio.Task[None] | None = None

    @property
    def asks(self) -> bool:
        """Whether there is anything to log in with."""
        try:
            return self.token is not None or (self.tokens is not None and bool(self.tokens.tokens()))
        except (TokenFileError, OSError):
            return True

    async def admit(self, request: web.Request) -> Asker | None:
        """Who asks; None where a token is demanded and nothing was shown. Raises a Problem where what was shown is
        wrong: 401, or 429 where too many wrong ones came from there."""
        given = request.headers.get("Authorization")
        if given is not None:
            scheme, _, secret = given.partition(" ")
            if scheme.lower() != "bearer":
                self.refused["scheme"] += 1
                raise Problem(401, "Authorization: must be Bearer and a token", headers=CHALLENGE)
            return await self.try_secret(secret.strip(), request.remote or "")
        asker = self._session(request.cookies.get(COOKIE, ""))
        if asker is not None or self.demanded:
            return asker
        return _certificate_of(request) if self.certificates else LOOPBACK

    async def try_secret(self, secret: str, address: str) -> Asker:
        """Who has this secret. Raises a Problem, after a wait, where it lets nobody in."""
        away_s = self.slowing.refuses(address, self.steady())
        if away_s:
            self.refused["slowed"] += 1
            raise _too_many(away_s)
        found, why = self._asker_of(secret)
        if found is not None:
            return found
        self.refused[why] += 1
        wait_s = self.slowing.fail(address, self.steady())
        if wait_s is None:
            raise _too_many(WAIT_S_MAX)
        try:
            await self.sleep(wait_s)
        finally:
            self.slowing.answered(address)
        raise Problem(401, _WHY[why], headers=CHALLENGE)

    def holds(self, asker: Asker) -> bool:
        """Whether who was let in would still be, as to the end of the token and of the session."""
        if asker.expires_at is not None and self.clock() >= asker.expires_at:
            return False
        return asker.by not in ("token", "session") or asker.id == FIXED or self._live(asker.id) is not None

    def session_of(self, asker: Asker) -> tuple[str, int]:
        """A cookie's value for who logged in, and how many seconds it is good for: its end, whose it is and a keyed
        hash of both, so that nothing need be stored."""
        now = self.clock()
        until = min(now + SESSION_S, asker.expires_at or float("inf"))
        head = f"{int(until)}.{asker.id}"
        key = self._key_of(asker.id)
        if key is None:
            raise LookupError("no token has that id")
        return f"{head}.{_session_hash(key, head)}", int(until - now)

    def _asker_of(self, secret: str) -> tuple[Asker | None, str]:
        fixed = self.token is not None and same_hash(secret_hash(secret), secret_hash(self.token))
        try:
            found = None if self.tokens is None else self.tokens.find(secret)
        except (TokenFileError, OSError) as error:
            self._tell(error)
            if not fixed:
                self.refused["unreadable"] += 1
                raise Problem(503, "tokens can't be read; the sidecar's log says why") from error
            found = None
        else:
            self._fault = ""
        if fixed:
            return FIXED_ASKER, ""
        if found is None:
            return None, "unknown_token"
        if found.revoked_at is not None:
            return None, "revoked"
        if not found.is_live(self.clock()):
            return None, "expired"
        self._note_use(found)
        return _asker(found, "token"), ""

    def _session(self, cookie: str) -> Asker | None:
        """Who logged in; None where the cookie is none or has ended, which is no attempt at anything."""
        until, _, rest = cookie.partition(".")
        token_id, _, digest = rest.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) <= 12 and digest.isascii()):
            return None
        key = self._key_of(token_id)
        if key is None or not hmac.compare_digest(digest, _session_hash(key, f"{until}.{token_id}")):
            return None
        if self.clock() >= int(until):
            return None
        if token_id == FIXED:
            return Asker(FIXED, FIXED_ASKER.name, FIXED_ASKER.scopes, "session", float(until))
        token = self._live(token_id)
        if token is None:
            return None
        self._note_use(token)
        return replace(_asker(token, "session"), expires_at=float(until))

    def _key_of(self, token_id: str) -> bytes | None:
        """What the sessions of a token are signed with. What is kept of one is not enough, else whoever reads the file
        could make sessions: a key is added that this process alone knows."""
        if token_id == FIXED:
            return None if self.token is None else secret_hash(self.token).encode()
        token = self._live(token_id)
        return None if token is None else self._key + token.hash.encode()

    def _live(self, token_id: str) -> Token | None:
        try:
            token = None if self.tokens is None else self.tokens.by_id(token_id)
        except (TokenFileError, OSError) as error:
            self._tell(error)
            return None
        return token if token is not None and token.is_live(self.clock()) else None

    def _tell(self, error: Exception) -> None:
        """Log why tokens can't be read, once and not with every request that meets it."""
        if str(error) != self._fault:
            self._fault = str(error)
            _log.error("tokens can't be read, they let nobody in: %s", error)

    def _note_use(self, token: Token) -> None:
        """Have the file tell when it was last used, without anybody waiting for that."""
        now = self.clock()
        noted = max(token.last_used_at or 0.0, self._noted.get(token.id, 0.0))
        if abs(now - noted) < USED_EVERY_S:
            return
        if len(self._noted) >= TOKENS_MAX:  # as many as are kept: what is over belongs to some that are gone
            self._noted.clear()
        self._used[token.id] = self._noted[token.id] = now
        if self._noting is None or self._noting.done():
            self._noting = asyncio.create_task(self._note_uses())

    async def _note_uses(self) -> None:
        while self._used and self.tokens is not None:
            used, self._used = self._used, {}
            try:
                await asyncio.to_thread(self.tokens.note_uses, used)
            except (TokenFileError, OSError) as error:  # a full disk, say: nobody is locked out for that
                _log.warning("when tokens were last used can't be kept: %s", error)

    async def close(self) -> None:
        """Wait for what is being noted."""
        if self._noting is not None:
            await self._noting


FIXED_ASKER = Asker(FIXED, "admin.token_file", ("admin",), "token")
_WHY = {
    "unknown_token": "the bearer token is wrong",
    "revoked": "the token was revoked",
    "expired": "the token has expired",
}


def _too_many(away_s: float) -> Problem:
    headers = {"Retry-After": str(int(away_s) + 1)}
    return Problem(429, "too many wrong tokens are being answered; try again", headers=headers)


def _certificate_of(request: web.Request) -> Asker:
    """Whoever showed a certificate, by the common name in it."""
    shown = request.get_extra_info("peercert") or {}
    names = dict(pair for part in shown.get("subject", ()) for pair in part)
    return replace(CERTIFICATE, name=names.get("commonName") or CERTIFICATE.name)


def _asker(token: Token, by: str) -> Asker:
    return Asker(token.id, token.name, token.scopes, "session" if by == "session" else "token", token.expires_at)


def _session_hash(key: bytes, head: str) -> str:
    return hmac.new(key, f"sidecar session {head}".encode(), hashlib.sha256).hexdigest()
