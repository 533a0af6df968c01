"""The file of tokens, on a real disk."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from sidecar.access import TOKENS_MAX, TokenFile, TokenFileError, TokensLocked
from sidecar.access import file as file_module


def test_secret_is_found_and_kept_nowhere(tmp_path: Path) -> None:
    """A token is found by its secret, and neither the file nor a repr holds that."""
    kept = TokenFile(tmp_path)
    token, secret = kept.create("ci", ("read",), 10.0, None)
    assert kept.find(secret) == token
    assert secret not in kept.path.read_text()
    assert secret not in repr(token)
    assert token.hash not in repr(token)
    assert kept.find(secret + "x") is None
    assert kept.find("") is None


def test_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Not even hashes are for others."""
    kept = TokenFile(tmp_path)
    kept.create("ci", ("read",), 10.0, None)
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600


def test_what_another_wrote_is_seen_at_the_next_question(tmp_path: Path) -> None:
    """A token made or revoked by the command line counts in the running monitor at once."""
    monitor, command_line = TokenFile(tmp_path), TokenFile(tmp_path)
    assert monitor.tokens() == ()
    token, secret = command_line.create("ci", ("read",), 10.0, None)
    assert monitor.find(secret) == token
    command_line.revoke(token.id, 20.0)
    found = monitor.find(secret)
    assert found is not None
    assert not found.is_live(20.0)


def test_revoking_twice_keeps_the_first_time_and_unknown_ids_are_told(tmp_path: Path) -> None:
    """A revocation is for good."""
    kept = TokenFile(tmp_path)
    token, _ = kept.create("ci", ("read",), 10.0, None)
    kept.revoke(token.id, 20.0)
    again = kept.revoke(token.id, 30.0)
    assert again is not None
    assert again.revoked_at == 20.0
    assert kept.revoke("00000000", 30.0) is None


def test_uses_are_kept_and_never_made_older(tmp_path: Path) -> None:
    """Two who note uses at once leave the later one; a token that is gone is passed over."""
    kept = TokenFile(tmp_path)
    token, _ = kept.create("ci", ("read",), 10.0, None)
    assert token.last_used_at is None
    kept.note_uses({token.id: 30.0, "00000000": 30.0})
    kept.note_uses({token.id: 20.0})
    assert [token.last_used_at for token in TokenFile(tmp_path).tokens()] == [30.0]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a" * 201, "\x1b[31m"])
def test_name_that_is_no_line_is_refused(tmp_path: Path, name: str) -> None:
    """Names are shown in terminals and logs."""
    kept = TokenFile(tmp_path)
    with pytest.raises(ValueError, match="one line of 1 to 200 printable"):
        kept.create(name, ("read",), 1.0, None)
    assert not kept.path.exists()


def test_file_that_could_not_be_read_again_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long names can't lock everybody out."""
    kept = TokenFile(tmp_path)
    first, _ = kept.create("ci", ("read",), 1.0, None)
    monkeypatch.setattr(file_module, "FILE_BYTES_MAX", 600)
    with pytest.raises(TokenFileError, match="full"):
        kept.create("\U0001f680" * 100, ("read",), 1.0, None)
    assert kept.tokens() == (first,)
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".part")] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_writes_belongs_to_the_folders_owner(tmp_path: Path) -> None:
    """A token that an administrator makes can be read by the account the sidecar runs under."""
    os.chown(tmp_path, 12_345, 12_345)
    TokenFile(tmp_path).create("ci", ("read",), 1.0, None)
    assert {entry.stat().st_uid for entry in tmp_path.iterdir()} == {12_345}


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    """Writers take turns, and none overwrites what another added."""
    threads = [
        threading.Thread(target=lambda: TokenFile(tmp_path).create("t", ("read",), 1.0, None)) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({token.id for token in TokenFile(tmp_path).tokens()}) == 20


@pytest.mark.parametrize("content", ["", "{", "[]", '{"tokens": [{}]}', '{"tokens": [1]}', "[" * 100_000, "\udc80"])
def test_damaged_file_lets_nobody_in_and_is_not_overwritten(tmp_path: Path, content: str) -> None:
    """What can't be read is an error, not an empty list, and stays for a person to look at."""
    kept = TokenFile(tmp_path)
    kept.path.write_bytes(content.encode("utf-8", "surrogateescape"))
    before = kept.path.read_bytes()
    with pytest.raises(TokenFileError, match="no file of tokens"):
        kept.find("x")
    with pytest.raises(TokenFileError):
        kept.create("ci", ("read",), 1.0, None)
    assert kept.path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scopes", ["everything"]),
        ("hash", "é"),
        ("hash", ""),
        ("id", "a.b"),
        ("expires_at", 10**400),
        ("created_at", float("nan")),
    ],
)
def test_value_that_means_nothing_is_an_error(tmp_path: Path, name: str, value: Any) -> None:
    """A scope of a newer release is not taken for another, and what could not be compared is no fault of who asks."""
    kept = TokenFile(tmp_path)
    kept.create("ci", ("read",), 1.0, None)
    document = json.loads(kept.path.read_text())
    document["tokens"][0][name] = value
    kept.path.write_text(json.dumps(document))
    with pytest.raises(TokenFileError) as caught:
        TokenFile(tmp_path).find("x")
    assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, TokenFileError), "it may tell a hash"


def test_file_of_another_release_is_not_guessed_at(tmp_path: Path) -> None:
    """Whoever goes back to this release does not get tokens that mean something else."""
    kept = TokenFile(tmp_path)
    kept.create("ci", ("read",), 1.0, None)
    kept.path.write_text(kept.path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(TokenFileError, match="of this release"):
        kept.tokens()


def test_damaged_file_is_read_once_and_again_when_it_was_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks over and over does not have a megabyte read each time."""
    kept = TokenFile(tmp_path)
    token, secret = kept.create("ci", ("read",), 1.0, None)
    good, read = kept.path.read_bytes(), []
    kept.path.write_bytes(b"{")
    really = file_module._tokens_in
    monkeypatch.setattr(file_module, "_tokens_in", lambda path: (read.append(path), really(path))[1])
    for _ in range(3):
        with pytest.raises(TokenFileError):
            kept.find(secret)
    assert len(read) == 1
    kept.path.write_bytes(good)
    assert kept.find(secret) == token


def test_writer_that_hangs_is_not_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who makes or revokes a token, and no sidecar that stops, waits for a process that was halted."""
    monkeypatch.setattr(file_module, "LOCK_S_MAX", 0.05)
    kept = TokenFile(tmp_path)
    kept.create("ci", ("read",), 1.0, None)
    with kept.path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TokensLocked, match="another process"):
            kept.create("second", ("read",), 1.0, None)
    kept.create("third", ("read",), 1.0, None)
    assert [token.name for token in kept.tokens()] == ["ci", "third"]


def test_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    """Else the sidecar's account could have root, who makes a token there, give it any file of the machine."""
    of_root = tmp_path / "of_root"
    of_root.write_text("")
    folder = tmp_path / "data"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, 12_345, 12_345)
    (folder / "tokens.lock").symlink_to(of_root)
    with pytest.raises(OSError, match="symbolic link"):
        TokenFile(folder).create("ci", ("read",), 1.0, None)
    assert of_root.stat().st_uid == os.geteuid()


def test_tokens_of_a_full_file_can_be_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for the times of their ends is never given away."""
    monkeypatch.setattr(file_module, "FILE_BYTES_MAX", 2_000)
    kept = TokenFile(tmp_path)

    def fill() -> None:
        for _ in range(20):
            kept.create("ci", ("read", "feedback"), 1.0, None)

    with pytest.raises(TokenFileError, match="full"):
        fill()
    made = kept.tokens()
    assert made
    kept.note_uses({token.id: 1_800_000_000.123456 for token in made})
    for token in made:
        kept.revoke(token.id, 1_800_000_001.123456)
    assert all(token.revoked_at for token in TokenFile(tmp_path).tokens())


def test_of_too_many_the_oldest_ended_goes_and_live_ones_never(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is bounded, and no token that lets somebody in is dropped for a new one."""
    assert TOKENS_MAX >= 100
    monkeypatch.setattr(file_module, "TOKENS_MAX", 3)
    kept = TokenFile(tmp_path)
    ended, _ = kept.create("ended", ("read",), 1.0, 2.0)
    live = [kept.create(f"live-{index}", ("read",), 3.0, None)[0] for index in range(3)]
    assert kept.by_id(ended.id) is None
    with pytest.raises(TokenFileError, match="revoke one first"):
        kept.create("one too many", ("read",), 4.0, None)
    assert [token.id for token in kept.tokens()] == [token.id for token in live]
