"""The dashboard's page and static files; ``sidecar.api.pages`` serves them.

No build step: one page, one style sheet, ES modules by hand. Invariants: the script writes text by ``textContent``
only, and all it shows comes from the public API, so the page can show nothing a client could not ask for.
"""
