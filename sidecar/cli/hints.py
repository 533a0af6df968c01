"""What a person may have meant who typed something else."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from typer.core import TyperGroup

MEANT = "sidecar.meant"
"""Under which a context keeps the command that was perhaps meant, as it is typed."""


class Helpful(TyperGroup):
    """The whole program: its errors say what was meant, as far as that can be told."""

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """As ever, with errors that help."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except Exception as error:
            raise hinted(error, self) from None

    def invoke(self, ctx: Any) -> Any:
        """As ever, with errors that help."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            raise hinted(error, self) from None if _is_usage(error) else error


def remember(context: Any, word: str, known: Any) -> None:
    """Keep the subcommand that ``word``, which is none, resembles."""
    for found in get_close_matches(word, list(known), n=1):
        context.meta[MEANT] = f"{context.command_path} {found}"


def meant_text(context: Any) -> str:
    """The subcommand that was perhaps meant, as a question; empty where nothing is known."""
    meant = context.meta.get(MEANT)
    return "" if meant is None else f"Did you mean `{meant}`?"


def hinted(error: Exception, program: TyperGroup) -> Exception:
    """The error with a hint, where it is about how the command was typed and there is one."""
    if _is_usage(error):
        told = _told(error, program)
        if told is not None:
            error.format_message = lambda: told  # type: ignore[attr-defined]  # of an exception of typer's, not ours
    return error


def _is_usage(error: Exception) -> bool:
    return hasattr(error, "format_message") and getattr(error, "ctx", None) is not None


def _told(error: Any, program: TyperGroup) -> str | None:
    context, option = error.ctx, getattr(error, "option_name", None)
    if option is not None and hasattr(error, "possibilities"):
        if error.possibilities:
            likely = get_close_matches(option, error.possibilities, n=2) or sorted(error.possibilities)
            return f"No such option: {option}. Did you mean {' or '.join(likely)}?"
        if context.command is program and option in _options(program):
            where = f"{context.command_path} COMMAND {option} ..."
            return f"No such option here: {option}. It belongs after a command: {where}"
        return None
    meant = meant_text(context)
    return f"{error.format_message().rstrip('.')}. {meant}" if meant else None


def _options(group: Any) -> set[str]:
    """Every option of every command."""
    found: set[str] = set()
    for command in group.commands.values():
        found |= {name for parameter in command.params for name in parameter.opts}
        found |= _options(command) if hasattr(command, "commands") else set()
    return found
