"""A/B tests and shadow tests as they run: what traffic says of them, summed up, and what came of it.

What it is for: the data plane splits and copies traffic, ``experiments`` judges; this room stands between. It keeps the
sums that a test needs beside summaries, exactly once however often either side is killed, and reads results out of
them.

Key types: ``tally.Tally`` (what the monitor's pipeline feeds with each batch), ``units.UnitSums`` (sums per lasting
unit), ``pairing.Pairs`` (both answers to a copied request), ``disagreement.Chosen`` (which images are worth a look).
How results came to be: ``over_time.moments_of`` (of buckets) and ``snapshots.Snapshots`` (kept while a test runs);
``side_by_side.SideBySide`` compares recorded answers anew.

Invariants, kept by tests/trials:

- What a batch adds is committed with it, whole and not as a difference: a batch that is sent again counts once.
- Sums of a unit that is kept are exact; which units are kept has nothing to do with the arm they are in.
- Every answer of a pair is counted with its other half or, by reason, left alone. None waits for ever.
- Whatever traffic holds, a fault costs the sums of that exchange and nothing else.
"""

from sidecar.trials.book import Book, Entry
from sidecar.trials.documents import ab_document, pairs_document, results_document, shadow_test_document
from sidecar.trials.faults import TrialClash, TrialFault, TrialMissing, TrialNotSaved
from sidecar.trials.history import ab_history, shadow_history
from sidecar.trials.points import Points
from sidecar.trials.reading import Read, Readout
from sidecar.trials.readout import by_units, epochs_of, kept_split, split_of
from sidecar.trials.side_by_side import SideBySide, SidePage, SidePair, side_pair
from sidecar.trials.steward import Steward, stops_of
from sidecar.trials.tally import Running, Tallied, Tally
from sidecar.trials.units import UnitSums

__all__ = [
    "Book",
    "Entry",
    "Points",
    "Read",
    "Readout",
    "Running",
    "SideBySide",
    "SidePage",
    "SidePair",
    "Steward",
    "Tallied",
    "Tally",
    "TrialClash",
    "TrialFault",
    "TrialMissing",
    "TrialNotSaved",
    "UnitSums",
    "ab_document",
    "ab_history",
    "by_units",
    "epochs_of",
    "kept_split",
    "pairs_document",
    "results_document",
    "shadow_history",
    "shadow_test_document",
    "side_pair",
    "split_of",
    "stops_of",
]
