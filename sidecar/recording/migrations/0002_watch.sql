-- What normal looks like, what was found when it was compared with, and who was told.
-- figures, report, condition, notify, state and payload of a notification are JSON.
CREATE TABLE baselines (
    id INTEGER PRIMARY KEY,
    baseline_id TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    name TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL NOT NULL,
    created_at REAL NOT NULL,
    origin TEXT NOT NULL,
    figures TEXT NOT NULL,
    payload BLOB NOT NULL,
    UNIQUE (model, version, name)
);

-- Model versions whose automatic baseline a person deleted: it is not made again.
CREATE TABLE auto_baselines_deleted (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    UNIQUE (model, version)
);

-- The order of the key serves the newest of each slice and version; the index beside it pages, whatever the filter.
CREATE TABLE drift_checks (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    slice TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL NOT NULL,
    baseline_id TEXT NOT NULL,
    checked_at REAL NOT NULL,
    report TEXT NOT NULL,
    UNIQUE (model, slice, version, until, since)
);

CREATE INDEX drift_checks_until ON drift_checks (model, until, id, slice, version);

CREATE INDEX drift_checks_checked ON drift_checks (checked_at);

-- Definition and state are written by separate statements. state_revision counts the writes of state.
-- A deleted alert keeps its row, so that a default rule is not made again; made_as is the name it was made under.
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY,
    alert_id TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    slice TEXT NOT NULL,
    name TEXT NOT NULL,
    condition TEXT NOT NULL,
    notify TEXT NOT NULL,
    origin TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    state TEXT NOT NULL,
    state_revision INTEGER NOT NULL,
    made_as TEXT NOT NULL,
    deleted_at REAL
);

CREATE UNIQUE INDEX alerts_name ON alerts (model, version, slice, name) WHERE deleted_at IS NULL;

CREATE INDEX alerts_model ON alerts (model);

CREATE INDEX alerts_deleted ON alerts (deleted_at);

-- model, version and name are the alert's at the time: a transition stays readable when its alert is gone.
CREATE TABLE transitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    name TEXT NOT NULL,
    at REAL NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    value REAL,
    sentence TEXT NOT NULL
);

CREATE INDEX transitions_at ON transitions (at);

CREATE INDEX transitions_alert ON transitions (alert_id, at);

CREATE INDEX transitions_model ON transitions (model, at);

-- AUTOINCREMENT: a receiver may go by the id to tell a repeat, so it is never used again.
CREATE TABLE notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL,
    transition_id INTEGER,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    queued_at REAL NOT NULL,
    started_at REAL,
    attempts INTEGER NOT NULL,
    sent_at REAL,
    gave_up_at REAL,
    error TEXT NOT NULL
);

CREATE INDEX notifications_progress ON notifications (sent_at, gave_up_at, id);

CREATE INDEX notifications_alert ON notifications (alert_id, id);

-- Hours alone: where a model's record begins and ends is found without a walk through everybody's buckets, and the
-- hot path, which writes the finer ones, pays nothing.
CREATE INDEX summaries_hours ON summaries (model, version, bucket, role, width_s) WHERE width_s = 3600;
