"""What the API asks about feedback: statements taken, those that wait for their prediction, what follows from all."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import Any

from sidecar.api.errors import Conflict, ControlError, NotThere
from sidecar.api.feedback import FeedbackFigures, Submission
from sidecar.app.awaited import Awaited
from sidecar.app.statements import Found, found_for, found_of_client, row_of
from sidecar.feedback import AUDITED_MAX, Audited, report_of
from sidecar.recording import (
    DATA_PORT,
    STATEMENTS_MAX,
    FeedbackBook,
    FeedbackRow,
    Reader,
    Sample,
    Submitted,
    VerdictChange,
    VerdictKey,
)
from sidecar.watch import Fault, filter_of, scope_of

PENDING_LOOK_S = 2.0
SEARCH_S = 2.0
"""How long a call may search for the predictions of ids that clients gave; what it does not get to is done later."""
SEARCH_FOR_STRANGERS_S = 0.2
"""The same of a statement that came by the data port."""
REPORT_PERIOD_S = 30 * 86_400.0
TARGET_PRECISION = 0.9
Document = dict[str, Any]


class Verdicts:
    """Changes of verdicts on their way into the summaries: the pipeline takes each once."""

    def __init__(self) -> None:
        self._changes: list[VerdictChange] = []

    def add(self, changes: Sequence[VerdictChange]) -> None:
        """These are committed, and no summary holds them yet."""
        self._changes += changes

    def take(self) -> Sequence[VerdictChange]:
        """All that came since the last time."""
        taken, self._changes = self._changes, []
        return taken


class FeedbackApi:
    """``api.feedback.Feedback`` over the store. Run ``run`` as one task after ``restore``. ``known`` gives every
    (model, version) that a person may name; None: those with traffic."""

    def __init__(
        self,
        book: FeedbackBook,
        reader: Reader,
        clock: Callable[[], float] = time.time,
        known: Callable[[], Awaitable[Collection[tuple[str, str]]]] | None = None,
    ) -> None:
        self.verdicts = Verdicts()
        self._book = book
        self._reader = reader
        self._clock = clock
        self._known = known or reader.models
        self._received: Counter[str] = Counter()
        self._waiting = 0
        self._awaited = Awaited(book, reader, clock)
        self._under_way: set[asyncio.Task[Submitted]] = set()
        self.expired = 0

    async def restore(self) -> None:
        """Take up what a former life had committed and not summed up. Raises StoreError."""
        changes = await self._book.changes()
        while changes:
            self.verdicts.add(changes)
            changes = await self._book.changes(after=changes[-1].change_id)
        self._waiting = await self._book.pending_count()

    async def run(self) -> None:
        """Look again and again for the predictions that statements wait for."""
        while True:
            await asyncio.sleep(PENDING_LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Bring statements together with predictions that have come meanwhile, some of them a time, in turns. Raises
        StoreError."""
        async for look in self._awaited.looks():
            if look.senseless:
                self.expired += await self._book.drop(look.senseless)
            if look.rows:
                await self._seen_to(self._book.resolve(look.rows, look.keys, self._clock()))
        self._waiting = await self._book.pending_count()

    async def submit(self, submission: Submission) -> Document:
        (answer,) = await self.submit_all([submission])
        if isinstance(answer, ControlError):
            raise answer
        return answer

    async def submit_all(self, submissions: Sequence[Submission]) -> Sequence[Document | ControlError]:
        now = self._clock()
        answers: list[Document | ControlError | None] = [None] * len(submissions)
        rows: dict[int, FeedbackRow] = {}
        keys: dict[str, VerdictKey] = {}
        left: dict[str, float | None] = {}
        known = await self._reader.known_among({each.prediction_id for each in submissions if not each.request_id})
        is_late = _clock_of(all(each.by.startswith(DATA_PORT) for each in submissions))
        for place, statement in enumerate(submissions):
            try:
                found, to_search = await self._find(statement, known, is_late)
                rows[place] = row_of(statement, found, now)
            except ControlError as error:
                answers[place] = error
                continue
            if found is not None:
                keys[found.prediction_id] = found.key
            left[rows[place].feedback_id] = to_search
        if rows:
            taken = await self._seen_to(self._book.submit(list(rows.values()), keys, now))
            for (place, row), outcome in zip(rows.items(), taken.outcomes, strict=True):
                if outcome == "pending":
                    self._awaited.expect(row.feedback_id, now, left[row.feedback_id])
                answers[place] = self._answer(row, outcome, keys)
        return [answer for answer in answers if answer is not None]

    async def _find(
        self, statement: Submission, known: Collection[str], is_late: Callable[[], bool]
    ) -> tuple[Found | None, float | None]:
        """The prediction of a statement, None where there is none (yet), and before when it was not looked for."""
        if statement.request_id:
            return await found_of_client(self._reader, statement.request_id, math.inf, None, is_late)
        if statement.prediction_id not in known:
            return None, None
        return await found_for(self._reader, statement.prediction_id), None

    async def _seen_to(self, work: Coroutine[Any, Any, Submitted]) -> Submitted:
        """What comes of ``work`` is counted, also where the caller is gone by then: it is committed all the same."""

        async def counted() -> Submitted:
            taken = await work
            self.verdicts.add(taken.changes)
            self.expired += taken.dropped
            return taken

        task = asyncio.create_task(counted())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def list(
        self,
        *,
        prediction_id: str | None,
        model_id: str | None,
        feedback_type: str | None,
        limit: int,
        cursor: str | None,
    ) -> Document:
        scope = None if model_id is None else filter_of(model_id, await self._known())
        page = await self._reader.feedback(
            prediction_id=prediction_id,
            model=None if scope is None else scope.model,
            version=None if scope is None else scope.version or None,
            feedback_type=feedback_type,
            before=cursor,
            limit=limit,
        )
        return {"items": [feedback_document(row) for row in page.items], "next": page.next}

    async def report(
        self, model_id: str, since: float | None, until: float | None, target_precision: float | None
    ) -> Document:
        end = self._clock() if until is None else until
        start = max(end - REPORT_PERIOD_S, 0.0) if since is None else since
        if start >= end:
            raise ControlError("since", "must be before until")
        model, version = await self._model(model_id)
        audited, left_out = await self._audited(model, start, end)
        counts = await self._reader.audited_counts(model, start, end)
        users = await self._reader.users_counts(model, start, end)
        report = await asyncio.to_thread(
            report_of,
            model_id,
            [item for item in audited if version in ("", item.version)],
            {of: found.sampled for of, found in counts.items() if version in ("", of)},
            {of: {str(kind): n for kind, n in found.items()} for of, found in users.items() if version in ("", of)},
            since=start,
            until=end,
            target_precision=TARGET_PRECISION if target_precision is None else target_precision,
            left_out=left_out,
        )
        return report.to_dict()

    def figures(self) -> FeedbackFigures:
        return {"received": dict(self._received), "pending": self._waiting, "expired": self.expired}

    def _answer(self, row: FeedbackRow, outcome: str, keys: dict[str, VerdictKey]) -> Document | ControlError:
        if outcome == "full" and row.prediction_id in keys:
            return Conflict(
                "prediction_id", f"{STATEMENTS_MAX:,} statements stand on this prediction: no more are taken"
            )
        if outcome == "full":
            return Conflict("prediction_id", "too many statements wait for predictions that are not known")
        if outcome != "unchanged":
            self._received[row.feedback_type] += 1
        key = keys.get(row.prediction_id)
        document = feedback_document(row)
        if key is not None:
            return document | {"model": key.model, "version": key.version, "status": "recorded"}
        return document | {"status": "pending"}

    async def _model(self, model_id: str) -> tuple[str, str]:
        try:
            scope = scope_of(model_id, await self._known())
        except Fault as fault:
            raise NotThere(fault.field, fault.message) from fault
        return scope.model, scope.version

    async def _audited(self, model: str, since: float, until: float) -> tuple[Sequence[Audited], int]:
        """The latest of the reviewed random sample, at most AUDITED_MAX, and how many more there are."""
        newest: deque[Audited] = deque(maxlen=AUDITED_MAX)
        seen, after = 0, None
        while True:
            page, after = await self._reader.audited_of_model(model, since, until, after=after)
            newest.extend(_audited(sample) for sample in page)
            seen += len(page)
            if after is None:
                return tuple(newest), seen - len(newest)


def _clock_of(of_strangers: bool) -> Callable[[], bool]:
    """Tells whether the time to search in is up."""
    ends = time.monotonic() + (SEARCH_FOR_STRANGERS_S if of_strangers else SEARCH_S)
    return lambda: time.monotonic() >= ends


def feedback_document(row: FeedbackRow) -> Document:
    """A Feedback."""
    status = "replaced" if row.replaced_at is not None else "pending" if row.pending else "recorded"
    return {
        "id": row.feedback_id,
        "prediction_id": row.prediction_id,
        "client_request_id": row.client_request_id,
        "feedback_type": row.feedback_type,
        "detection_index": row.detection_index,
        "correct_class": row.correct_class or None,
        "correct_box": None if row.correct_box is None else list(row.correct_box),
        "by": row.author,
        "note": row.note,
        "at": row.at,
        "received_at": row.received_at,
        "status": status,
        "model": row.model,
        "version": row.version,
        "label": row.label or None,
        "score": row.score,
    }


def _audited(sample: Sample) -> Audited:
    return Audited(
        draw_rate=sample.draw_rate,
        version=sample.version,
        at=sample.at,
        detections=sample.detections,
        score_threshold=sample.score_threshold,
        labels=sample.labels or (),
        verdict=sample.verdict,
        width=sample.width,
        height=sample.height,
    )
