"""Where a download ends up: whole, beside nothing, and in what is no regular file too."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from sidecar.client.saving import Saving


def save(path: Path, content: bytes = b"new") -> None:
    with Saving(path) as saving:
        saving.write(b"old and longer")
        saving.restart()
        saving.write(content)


def test_file_of_the_users_with_parts_ending_is_left_alone(tmp_path: Path) -> None:
    """What is written meanwhile has a name of its own."""
    (tmp_path / "out.zip.part").write_bytes(b"mine")
    save(tmp_path / "out.zip")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.zip": b"new", "out.zip.part": b"mine"}


def test_two_downloads_to_one_place_leave_one_of_them_whole(tmp_path: Path) -> None:
    """The last one, and nothing of the other."""
    with Saving(tmp_path / "out") as first, Saving(tmp_path / "out") as second:
        first.write(b"first")
        second.write(b"2")
        first.write(b", still")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("out", b"first, still")]


def test_links_are_followed_and_modes_kept(tmp_path: Path) -> None:
    """The link stays one; what it points to has the new content and its old mode."""
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "real.zip", tmp_path / "link.zip"
    target.write_bytes(b"before")
    target.chmod(0o640)
    link.symlink_to(target)
    save(link)
    assert link.is_symlink()
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o640)
    assert os.listdir(tmp_path / "there") == ["real.zip"]


def test_new_file_has_the_mode_that_any_new_file_has(tmp_path: Path) -> None:
    """Whoever may read what the user makes may read it."""
    (tmp_path / "other").write_bytes(b"")
    save(tmp_path / "out")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_pipe_is_written_into(tmp_path: Path) -> None:
    """It stays a pipe, and its reader gets it all."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    with Saving(pipe) as saving:
        saving.restart()
        saving.write(b"a")
        saving.write(b"b")
    reader.join(10)
    assert (got, pipe.is_fifo()) == ([b"ab"], True)


def test_device_is_written_into_and_what_it_got_can_not_be_taken_back() -> None:
    """A download that broke off is not begun anew behind what was written."""
    with Saving("/dev/null") as saving:
        saving.write(b"x")
    assert Path("/dev/null").is_char_device()
    with Saving("/dev/null") as saving:
        saving.write(b"x")
        with pytest.raises(OSError, match="taken back"):
            saving.restart()


def test_folder_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    """It names the folder."""
    with pytest.raises(IsADirectoryError, match=str(tmp_path)), Saving(tmp_path):
        pass


def test_file_in_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The file that was asked for, not the one that is written meanwhile."""
    with pytest.raises(FileNotFoundError) as raised, Saving(tmp_path / "nowhere" / "out.zip"):
        pass
    assert raised.value.filename == str(tmp_path / "nowhere" / "out.zip")
