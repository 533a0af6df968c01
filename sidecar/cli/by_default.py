"""Groups of commands one of which is meant where none is named: ``sidecar drift MODEL`` compares."""

from __future__ import annotations

from typing import Any, ClassVar

from typer.core import TyperCommand, TyperGroup

from sidecar.cli.hints import remember


class ByDefault(TyperGroup):
    """A first word that is no subcommand belongs to ``default``, whose arguments are ``usage``; ``others`` are the
    usages of the rest, by name."""

    default: ClassVar[str]
    usage: ClassVar[str]
    others: ClassVar[tuple[str, ...]]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default's name where it was left out."""
        if args and args[0] not in self.commands and args[0] != "--help":
            remember(ctx, args[0], self.commands)
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Offer the subcommands, and what the default command would be given first."""
        first = self.commands[self.default].params[0]
        return [*super().shell_complete(ctx, incomplete), *first.shell_complete(ctx, incomplete)]

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Name all ways to ask; click's own line would hide the default one."""
        formatter.write_usage(ctx.command_path, "  |  ".join([self.usage, *self._others(ctx.command_path)]))

    def _others(self, path: str) -> list[str]:
        return [f"{path} {usage}" for usage in self.others]


class Default(TyperCommand):
    """The default command of such a group, whose usage leaves its name out."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """As it is mostly typed."""
        formatter.write_usage(ctx.parent.command_path, ctx.parent.command.usage)
