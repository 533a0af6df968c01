"""The command of a group that is meant where none is named."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Ask
from tests.kit.command_tree import commands

GROUPS = sorted({words.rpartition(" ")[0] for words, _ in commands() if words.endswith((" list", " queues"))})


@pytest.mark.parametrize("words", [words.split()[1:] for words in GROUPS if words != "sidecar feedback"])
def test_word_list_may_be_left_out(ask: Ask, words: list[str]) -> None:
    """The group by itself says what the command says, and takes its options."""
    named = "queues" if words == ["review"] else "list"
    assert ask(*words, "--json").stdout == ask(*words, named, "--json").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("samples", "--limit", "5", "save", "images"), "--limit: belongs after save, or to the list alone"),
        (("alerts", "--json", "show", "x"), "--json: belongs after show, or to the list alone"),
        (("ab-test", "--status", "running", "pause", "x"), "--status: belongs after pause, or to the list alone"),
    ],
)
def test_option_before_another_command_is_refused(ask: Ask, words: tuple[str, ...], told: str) -> None:
    """It would be passed over in silence, for that command takes it after its own name."""
    result = ask(*words)
    assert (result.exit_code, result.stderr) == (2, f"sidecar: {told}\n")


def test_address_may_stand_before_another_command(ask: Ask, url: str) -> None:
    """What every command takes is handed on."""
    assert ask("alerts", "--url", url, "metrics").exit_code == 0
