"""The words of counters, held against what the code counts."""

from __future__ import annotations

import re
from pathlib import Path

from sidecar.api.left_out import DROPPED, LIMITS, meaning_of_drop, meaning_of_limit

SIDECAR = Path(__file__).resolve().parents[2] / "sidecar"
HIT = r'(?:\bhit|_drop|_unavailable)\(\s*(?:"(\w+)")(?: if [^"]+ else "(\w+)")?'
FAULT = r'Error\(\w+, f?"[^"\n]*", "(\w+)"\)'
DROP = r'(?:(?<!def )\bdrop\(|dropped\[|removed\[)"(\w+)", "(\w+)"'


def text_of(folder: str) -> str:
    return "\n".join(file.read_text("utf-8") for file in sorted((SIDECAR / folder).glob("*.py")))


def test_every_bound_of_the_proxy_has_its_words_and_no_other_has() -> None:
    """Whoever sees a count of a bound learns what meeting it came to."""
    text = text_of("proxy")
    counted = {name for found in re.findall(HIT, text) for name in found if name} | set(re.findall(FAULT, text))
    assert len(counted) >= 20
    assert counted == set(LIMITS)


def test_every_drop_has_its_words() -> None:
    """Of those that the code writes out; the others are of images or of the store."""
    counted = {pair for folder in ("proxy", "monitor", "app") for pair in re.findall(DROP, text_of(folder))}
    assert len(counted) >= 8
    assert counted - set(DROPPED) == set()
    assert {reason for _, reason in DROPPED} - {""} == {reason for _, reason in DROPPED}


def test_every_reason_why_an_image_is_not_kept_has_its_words() -> None:
    """Also those that carry a fault of the store."""
    text = text_of("data_engine")
    reasons = set(re.findall(r'(?:ImageFault|SampleError)\("(\w+)"', text)) | {"io", "disk_full", "near_duplicate"}
    reasons |= set(re.findall(r'_remove\([^"\n]+, "(\w+)"\)', text_of("proxy")))
    assert len(reasons) >= 10
    assert {reason for reason in reasons if not meaning_of_drop("sample_low_confidence", reason)} == set()
    assert meaning_of_drop("sample_low_confidence", "store_full")


def test_a_bound_of_copies_is_told_as_that_of_requests() -> None:
    """And one from another version of the sidecar has no words, which is no fault."""
    assert meaning_of_limit("shadow_upstream_pending_s").startswith("of copies for shadow tests: ")
    assert meaning_of_limit("shadow_from_the_future") == ""
