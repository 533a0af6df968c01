"""The file of tokens: written by the command line and by the monitor, whoever is asked; read by the monitor."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sidecar.access.scopes import Scope, scopes_from
from sidecar.access.tokens import Token, name_from, new_secret, same_hash, secret_hash

NAME = "tokens.json"
VERSION = 1
TOKENS_MAX = 1_000
"""Tokens that are kept, the ended ones among them; of too many the oldest ended ones go."""
FILE_BYTES_MAX = 1 << 20
GROWTH_BYTES = 64
"""What a token may grow by once it is made, by the times of its last use and its end: room that is never given away, so
that a full file keeps nobody from revoking."""
LOCK_S_MAX = 3.0
"""How long to wait for another writer; one takes milliseconds, unless it was stopped at it."""
LOCK_LOOK_S = 0.01
ID_BYTES = 4
Stamp = tuple[int, int, int]


class TokenFileError(ValueError):
    """The file can't be read."""


class TokensFull(TokenFileError):
    """All that are kept are live, as many as may be."""


class TokensLocked(TokenFileError):
    """Another process has been writing them for longer than is waited for."""


class TokenFile:
    """The tokens of a sidecar. Raises TokenFileError, and OSError where the disk says no.

    What another process wrote is seen at the next question: the file's inode, size and time are looked at each time,
    and a file that is replaced has another inode.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / NAME
        self._stamp: Stamp | None = None
        self._tokens: tuple[Token, ...] = ()
        self._fault: TokenFileError | None = None

    def tokens(self) -> tuple[Token, ...]:
        """All that are kept, oldest first."""
        self._follow()
        return self._tokens

    def find(self, secret: str) -> Token | None:
        """The token with this secret, live or not. Every token is compared, so that time tells nothing of which one it
        was."""
        wanted, found = secret_hash(secret), None
        for token in self.tokens():
            if same_hash(token.hash, wanted):
                found = token
        return found

    def by_id(self, token_id: str) -> Token | None:
        """One token, live or not."""
        return next((token for token in self.tokens() if token.id == token_id), None)

    def has_live(self, now: float) -> bool:
        """Whether any token lets somebody in."""
        return any(token.is_live(now) for token in self.tokens())

    def create(self, name: str, scopes: Sequence[Scope], now: float, expires_at: float | None) -> tuple[Token, str]:
        """A new token, and its secret, which is kept nowhere. Raises ValueError where ``name`` can't be one."""
        name, secret = name_from(name), new_secret()
        with self._writing() as tokens:
            taken = {token.id for token in tokens}
            token_id = next(made for made in iter(lambda: secrets.token_hex(ID_BYTES), "") if made not in taken)
            token = Token(token_id, name, tuple(scopes), secret_hash(secret), now, expires_at)
            tokens.append(token)
            _make_room(tokens, now)
            if len(_content(tokens)) + GROWTH_BYTES * len(tokens) > FILE_BYTES_MAX:  # it could not be read again
                raise TokensFull("the file of tokens is full; take shorter names")
        return token, secret

    def revoke(self, token_id: str, now: float) -> Token | None:
        """End a token from now on, for good; one that is revoked already stays as it is. None: there is none."""
        with self._writing() as tokens:
            for index, token in enumerate(tokens):
                if token.id == token_id:
                    tokens[index] = token if token.revoked_at is not None else replace(token, revoked_at=now)
                    return tokens[index]
        return None

    def note_uses(self, used: Mapping[str, float]) -> None:
        """Keep when tokens, by their ids, were last used; what stands there is never made older."""
        with self._writing() as tokens:
            for index, token in enumerate(tokens):
                at = used.get(token.id)
                if at is not None and at > (token.last_used_at or 0.0):
                    tokens[index] = replace(token, last_used_at=at)

    def _follow(self) -> None:
        stamp = _stamp_of(self.path)
        if stamp != self._stamp:
            self._stamp, self._tokens, self._fault = None, (), None
            try:
                self._tokens = () if stamp is None else _tokens_in(self.path)
            except TokenFileError as error:  # it stays so until it is written anew: not every question reads it all
                self._fault = error
            self._stamp = stamp
        if self._fault is not None:
            raise TokenFileError(str(self._fault)) from self._fault

    @contextlib.contextmanager
    def _writing(self) -> Iterator[list[Token]]:
        """The tokens, to be changed; nobody else writes meanwhile. Nothing is written where the block raises."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # No link is followed: where root writes for another account, that must not have root give away another file.
        flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(self.path.with_suffix(".lock"), flags, 0o600)
        try:
            _give_to_owner(lock, self.path.parent)
            _take(lock, self.path)
            tokens = list(_tokens_in(self.path)) if self.path.exists() else []
            yield tokens
            _replace(self.path, tokens)
        finally:
            os.close(lock)


def _take(lock: int, path: Path) -> None:
    """Wait for the lock, as long as another writer may take."""
    ends = time.monotonic() + LOCK_S_MAX
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= ends:
                raise TokensLocked(
                    f"{path}: another process has been writing it for over {LOCK_S_MAX:g} s; see whether one hangs, "
                    "then try again"
                ) from error
        time.sleep(LOCK_LOOK_S)


def _make_room(tokens: list[Token], now: float) -> None:
    while len(tokens) > TOKENS_MAX:
        ended = next((token for token in tokens if not token.is_live(now)), None)
        if ended is None:
            raise TokensFull(f"{TOKENS_MAX} tokens are live, as many as may be; revoke one first")
        tokens.remove(ended)


def _replace(path: Path, tokens: Sequence[Token]) -> None:
    """Write all of it aside, then let it take the place: a reader never sees half of it."""
    content = _content(tokens)
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            _give_to_owner(handle, path.parent)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _give_to_owner(handle: int, folder: Path) -> None:
    """What root writes into a folder of the sidecar's account must be the account's, or the sidecar can't read it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)


def _content(tokens: Sequence[Token]) -> bytes:
    document = {"version": VERSION, "tokens": [_document(token) for token in tokens]}
    return json.dumps(document, indent=1).encode()


def _document(token: Token) -> dict[str, Any]:
    return {name: getattr(token, name) for name in Token.__slots__}


def _stamp_of(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _tokens_in(path: Path) -> tuple[Token, ...]:
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    try:
        if len(content) > FILE_BYTES_MAX:
            raise ValueError(f"over {FILE_BYTES_MAX} bytes")
        document = json.loads(content)
        if document["version"] != VERSION:  # what a newer release means by it is not known here
            raise ValueError("of another release")
        return tuple(_token(entry) for entry in document["tokens"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        # What stands in it is not told, nor is the cause, which might: hashes do not belong into logs.
        raise TokenFileError(
            f"{path}: is no file of tokens of this release ({type(error).__name__}); put a copy of it back, or move it "
            "away and make new tokens"
        ) from None


def _token(entry: dict[str, Any]) -> Token:
    return Token(
        id=_hex(entry["id"]),
        name=str(entry["name"]),
        scopes=scopes_from(entry["scopes"]),
        hash=_hex(entry["hash"]),
        created_at=_time(entry["created_at"]),
        expires_at=None if entry["expires_at"] is None else _time(entry["expires_at"]),
        revoked_at=None if entry["revoked_at"] is None else _time(entry["revoked_at"]),
        last_used_at=None if entry["last_used_at"] is None else _time(entry["last_used_at"]),
    )


def _hex(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]+", text):
        raise ValueError("no hexadecimal digits")
    return text


def _time(given: float) -> float:
    seconds = float(given)
    if not math.isfinite(seconds):
        raise ValueError("no time")
    return seconds
