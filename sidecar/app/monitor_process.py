"""The monitor's process: ``python -m sidecar.app.monitor_process``, as ``sidecar.app.monitor`` in less memory."""

from __future__ import annotations

import gc
import sys
from typing import Any


def main() -> None:
    """structlog takes rich along where there is one, 3 MB for tracebacks in colour that no line of ours has."""
    modules: dict[str, Any] = sys.modules
    modules.setdefault("rich", None)  # what makes its import fail
    gc.disable()  # of what modules are made of nothing is garbage, and looking for it takes an eighth of the start
    from sidecar.app.monitor import main as run

    gc.enable()
    run()


if __name__ == "__main__":
    main()
