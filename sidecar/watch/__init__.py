"""Watching: what the recorded past says about the present. It asks the store, and lets the pure rooms judge.

What it is for: baselines are frozen (``Normal``), periods are compared (``Drift``), every window that ends is checked
(``Checks``), and alerts are evaluated round by round (``Rounds`` over a ``Book``, on the figures of a ``Ledger``), or
over the past (``Previews``).

Key types: ``Scope`` is what a question is about; ``History`` reads a scope's past in the widest buckets that fit;
``Fault`` (and its kinds ``Missing`` and ``Clash``) says which part of a question was wrong.

Invariants

- The cost of a question grows with buckets, not with predictions; what would read more than a named bound is refused.
- A window is checked once, is aligned to the epoch and never overlaps another.
- A state of an alert is true only once it is committed, with its transition and its notifications, in one transaction.
- Nothing is decided by the wall clock alone: after a jump, an alert holds until its window has passed.
"""

from sidecar.watch.book import Book, Entry, Faults
from sidecar.watch.checks import Checks
from sidecar.watch.drift import Drift
from sidecar.watch.history import History
from sidecar.watch.ledger import Ledger
from sidecar.watch.loading import pages_of
from sidecar.watch.normal import Normal
from sidecar.watch.preview import Preview, Previews, StoredSummaries
from sidecar.watch.rounds import Rounds
from sidecar.watch.scope import Clash, Fault, Missing, Scope, filter_of, scope_of
from sidecar.watch.seasons import Seasons

__all__ = [
    "Book",
    "Checks",
    "Clash",
    "Drift",
    "Entry",
    "Fault",
    "Faults",
    "History",
    "Ledger",
    "Missing",
    "Normal",
    "Preview",
    "Previews",
    "Rounds",
    "Scope",
    "Seasons",
    "StoredSummaries",
    "filter_of",
    "pages_of",
    "scope_of",
]
