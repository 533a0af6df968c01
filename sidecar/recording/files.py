"""The store's files in the data folder: their names, setting a damaged one aside, and the ballast."""

from __future__ import annotations

import os
from pathlib import Path

STORE_NAME = "sidecar.sqlite3"
BALLAST_NAME = "ballast"
BALLAST_BYTES = 4 << 20
"""Room kept so that a full disk can be cleaned: deleting rows must write before it can free."""
HEADROOM_BYTES = 2 << 20
"""A disk that was full counts as usable again only with so much room beside the ballast."""
SET_ASIDE_MAX = 3
"""Damaged stores that are kept; the oldest goes when there are more, so that they can't fill the disk."""
SUFFIXES = ("", "-wal", "-shm")


def store_path(data_dir: Path) -> Path:
    """The database file within the data folder."""
    return data_dir / STORE_NAME


def set_aside(data_dir: Path, now: float) -> str:
    """Renames the store and its -wal and -shm to ``<name>.damaged-<time>``; returns the new name."""
    stamp = int(now)
    while (data_dir / f"{STORE_NAME}.damaged-{stamp}").exists():
        stamp += 1
    name = f"{STORE_NAME}.damaged-{stamp}"
    for suffix in SUFFIXES:
        part = data_dir / (STORE_NAME + suffix)
        if part.exists():
            part.rename(data_dir / (name + suffix))
    _prune_set_aside(data_dir)
    return name


def _prune_set_aside(data_dir: Path) -> None:
    damaged = [path for path in data_dir.glob(f"{STORE_NAME}.damaged-*") if not path.name.endswith(SUFFIXES[1:])]
    for path in sorted(damaged, key=lambda path: path.name)[:-SET_ASIDE_MAX]:
        for suffix in SUFFIXES:
            (data_dir / (path.name + suffix)).unlink(missing_ok=True)


def place_ballast(data_dir: Path) -> bool:
    """Writes the ballast where it is missing; False where the disk has no room for it (nothing is left behind)."""
    path = data_dir / BALLAST_NAME
    try:
        if path.stat().st_size == BALLAST_BYTES:
            return True
    except FileNotFoundError:
        pass
    try:
        with path.open("wb") as file:
            # random, since a file system that compresses would keep no room for zeros
            file.write(os.urandom(BALLAST_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        drop_ballast(data_dir)
        return False
    return True


def has_room(data_dir: Path) -> bool:
    """Whether the ballast is in place, or can be, with HEADROOM_BYTES to record into beside it."""
    if not place_ballast(data_dir):
        return False
    disk = os.statvfs(data_dir)
    return disk.f_bavail * disk.f_frsize >= HEADROOM_BYTES


def drop_ballast(data_dir: Path) -> None:
    """Frees the room that the ballast held."""
    (data_dir / BALLAST_NAME).unlink(missing_ok=True)


def disk_bytes(data_dir: Path) -> int:
    """What the store takes on disk without images and set-aside files."""
    total = 0
    for suffix in SUFFIXES[:2]:
        try:
            total += (data_dir / (STORE_NAME + suffix)).stat().st_size
        except FileNotFoundError:
            continue
    return total


def set_aside_bytes(data_dir: Path) -> int:
    """What the damaged stores that are kept take."""
    total = 0
    for path in data_dir.glob(f"{STORE_NAME}.damaged-*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def free_bytes(data_dir: Path) -> int:
    """What the disk of ``data_dir`` has left for this user; 0 where it does not say."""
    try:
        disk = os.statvfs(data_dir)
    except OSError:
        return 0
    return disk.f_bavail * disk.f_frsize


def within(data_dir: Path, relative: str) -> Path:
    """The file at ``relative`` in the data folder. Raises ValueError for a path that leads out of it."""
    path = (data_dir / relative).resolve()
    if not relative or not path.is_relative_to(data_dir.resolve()) or path == data_dir.resolve():
        raise ValueError(f"path: {relative!r} is not within the data folder")
    return path
