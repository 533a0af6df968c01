"""The command line: ``sidecar run``, ``demo``, ``check-config``, and what asks a running one: ``status``,
``settings``, ``top``, ``overview``, ``events``, ``predictions``, ``samples``, ``models``, ``alerts``, ``baseline``,
``drift``, ``experiment``, ``ab-test``, ``shadow``, ``data-engine``, ``review``, ``feedback``, ``dataset``, ``train``,
``model-versions``, ``token``. docs/cli.md lists them.

Imports are made inside the commands, so that ``--help`` answers at once; ``run`` does without the other commands, since
traffic waits for it. Faults go to standard error and end with exit
code 2. What comes from a sidecar is shown as text: neither as markup nor with its control characters.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sidecar.cli.program import app

__all__ = ["app", "main"]


def __getattr__(name: str) -> Any:
    """``app``, the whole program: whoever only starts a sidecar does not need it."""
    if name == "app":
        from sidecar.cli.program import app

        return app
    raise AttributeError(f"module 'sidecar.cli' has no attribute {name!r}")


def main() -> None:
    """The console script."""
    if sys.argv[1:2] == ["run"]:
        _main_of_run()
        return
    from sidecar.cli.output import safe_output
    from sidecar.cli.program import app

    with safe_output():
        app()


def _main_of_run() -> None:
    """``sidecar run`` alone, and a worker's process before all else: it starts while the configuration is read."""
    from sidecar.app.spare import prepare_worker

    if "--help" not in sys.argv:
        prepare_worker()
    from sidecar.cli import run
    from sidecar.cli.output import safe_output
    from sidecar.cli.root import new_program

    program = new_program()
    program.command()(run.run)
    with safe_output():
        program()
