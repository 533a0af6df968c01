"""The simulated reviewer at work: takes items from a queue of the sidecar and labels them as what they truly show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sidecar.client import AsyncClient, NotFound
from sidecar.client.records import Item
from sidecar.demo.reviewer import Truth, judge, read_truth

LEASE_S = 60.0


@dataclass(slots=True)
class TruthFile:
    """What the traffic wrote so far, by the request's id; read on where an id is not known yet."""

    path: Path
    known: dict[str, Truth] = field(default_factory=dict)
    _read: int = 0

    def of(self, request_id: str) -> dict[str, Truth]:
        """What is known, after another look where ``request_id`` is not. Raises ValueError for another file."""
        if request_id not in self.known and self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]  # the last line may be half written
            self._read += len(whole)
            self.known |= read_truth(whole.decode().splitlines())
        return self.known


@dataclass(slots=True)
class Reviewer:
    """``by`` is who it says it is. ``verdicts`` counts what its labels said of the predictions, ``boxes`` its labels,
    ``rejected`` images of which it knows nothing."""

    client: AsyncClient
    dataset_id: str
    truth: TruthFile
    by: str
    verdicts: Counter[str] = field(default_factory=Counter)
    boxes: int = 0
    rejected: int = 0

    @property
    def reviewed(self) -> int:
        """Items that were labeled."""
        return self.verdicts.total()

    async def next(self, queue: str) -> Item | None:
        """The next item of ``queue`` (value or audit), labeled or rejected; None: there is none."""
        try:
            item = await self.client.claim_next_item(self.dataset_id, by=self.by, queue=queue, lease_s=LEASE_S)
        except NotFound:  # a dataset begins with its first image
            return None
        if item is None:
            return None
        labels = judge(self.truth.of(str(item.client_request_id)), item)
        if labels is None:
            self.rejected += 1
            return await self.client.reject_item(item.id, by=self.by, reason="nothing is known of this scene")
        labeled = await self.client.label_item(item.id, labels, by=self.by)
        self.boxes += len(labels)
        self.verdicts[labeled.verdict or "not judged"] += 1
        return labeled
