"""Rows that go by age alone, whatever room there is: how each kind is found, and how long it is kept."""

from __future__ import annotations

WATCH_KEPT_S = 400 * 86_400
"""Drift checks, transitions, and the alerts that a person made and deleted go after this. Baselines never do, nor do
deleted default alerts: they say what is not wanted again."""
NOTIFICATIONS_KEPT_S = 30 * 86_400
"""How long a notification is kept after it was sent or given up."""
FEEDBACK_KEPT_S = 400 * 86_400
"""How long what people said is kept, and the verdicts that follow from it."""
PENDING_KEPT_S = 7 * 86_400
"""How long feedback waits for its prediction."""
FEEDBACK_MAX = 1_000_000
"""Statements that are kept, and verdicts: what is over goes, replaced statements first, then the oldest."""
EVENTS_KEPT_S = 400 * 86_400
"""How long what reviewers did to an item is kept once the item is gone."""
AUDIT_GONE_KEPT_S = 400 * 86_400
"""How long it is known how many images of the random sample are gone."""
KEYS_KEPT_S = 86_400.0
"""How long the key of a request is kept, and its answer."""

OLD_ROWS = (
    (
        "DELETE FROM transitions WHERE id IN (SELECT id FROM transitions WHERE at < ? ORDER BY at LIMIT ?)",
        WATCH_KEPT_S,
    ),
    (
        "DELETE FROM drift_checks WHERE id IN"
        " (SELECT id FROM drift_checks WHERE checked_at < ? ORDER BY checked_at LIMIT ?)",
        WATCH_KEPT_S,
    ),
    (
        "DELETE FROM alerts WHERE id IN"
        " (SELECT id FROM alerts WHERE deleted_at < ? AND origin <> 'default' ORDER BY deleted_at LIMIT ?)",
        WATCH_KEPT_S,
    ),
    (
        "DELETE FROM notifications WHERE id IN"
        " (SELECT id FROM notifications WHERE sent_at < ? ORDER BY sent_at LIMIT ?)",
        NOTIFICATIONS_KEPT_S,
    ),
    (
        "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications"
        " WHERE sent_at IS NULL AND gave_up_at < ? ORDER BY gave_up_at LIMIT ?)",
        NOTIFICATIONS_KEPT_S,
    ),
    (
        "DELETE FROM feedback WHERE id IN (SELECT id FROM feedback WHERE received_at < ? ORDER BY received_at LIMIT ?)",
        FEEDBACK_KEPT_S,
    ),
    (
        "DELETE FROM verdicts WHERE prediction_id IN"
        " (SELECT prediction_id FROM verdicts WHERE bucket < ? ORDER BY bucket LIMIT ?)",
        FEEDBACK_KEPT_S,
    ),
    (
        "DELETE FROM audit_gone WHERE (model, day, version, role, experiment, epoch, draw_rate) IN"
        " (SELECT model, day, version, role, experiment, epoch, draw_rate FROM audit_gone"
        " WHERE day < CAST(? / 86400 AS INTEGER) ORDER BY day LIMIT ?)",
        AUDIT_GONE_KEPT_S,
    ),
    (
        "DELETE FROM idempotency_keys WHERE id IN"
        " (SELECT id FROM idempotency_keys WHERE begun_at < ? ORDER BY begun_at LIMIT ?)",
        KEYS_KEPT_S,
    ),
)
"""(statement, seconds): the statement takes a time, before which rows go, and how many go at most."""

OLD_PENDING = (
    "DELETE FROM feedback WHERE id IN"
    " (SELECT id FROM feedback INDEXED BY feedback_pending WHERE pending = 1 AND received_at < ? ORDER BY id LIMIT ?)"
)

REPLACED = (
    "DELETE FROM feedback WHERE id IN"
    " (SELECT id FROM feedback WHERE replaced_at IS NOT NULL ORDER BY received_at LIMIT ?)"
)
OLDEST_SAID = (
    "DELETE FROM feedback WHERE id IN (SELECT id FROM feedback WHERE pending = 0 ORDER BY received_at LIMIT ?)"
)
OVER_MAX = (
    ("feedback", REPLACED),
    ("feedback", OLDEST_SAID),
    (
        "verdicts",
        "DELETE FROM verdicts WHERE prediction_id IN (SELECT prediction_id FROM verdicts ORDER BY bucket LIMIT ?)",
    ),
)
"""(table, statement): where the table has more rows than FEEDBACK_MAX, the statement takes how many go at most."""
SAID_OF_GONE = (
    "DELETE FROM feedback WHERE id IN (SELECT id FROM feedback WHERE pending = 0"
    " AND received_at < (SELECT MIN(at) FROM predictions) ORDER BY received_at LIMIT ?)"
)
"""What people said before the first prediction that is left was made: it is of one that is gone."""
SAID_OF_OLDEST = (
    "DELETE FROM feedback WHERE pending = 0 AND prediction_id IN"
    " (SELECT prediction_id FROM predictions WHERE at < ? ORDER BY at LIMIT ?)"
)
"""What people said of the oldest predictions."""
EVENTS = (
    "SELECT id, at, EXISTS (SELECT 1 FROM samples WHERE samples.sample_id = item_events.sample_id) FROM item_events"
    " WHERE id > ? ORDER BY id LIMIT ?"
)
"""(id, time, whether its item is there) of what was done to items, in its order."""
