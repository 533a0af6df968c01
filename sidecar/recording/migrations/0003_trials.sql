-- A/B tests and shadow tests. document, lowest and results are JSON; results is empty while a test runs.
CREATE TABLE trials (
    id INTEGER PRIMARY KEY,
    trial_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at REAL NOT NULL,
    ended_at REAL,
    document TEXT NOT NULL,
    lowest TEXT NOT NULL,
    results TEXT
);

CREATE INDEX trials_ended ON trials (ended_at);

-- Sums per unit, whole ones that replace: unit is a hash of 63 bits. The order of the key serves a cut, which forgets
-- the units of the highest hashes, as one range.
CREATE TABLE unit_sums (
    trial_id TEXT NOT NULL,
    unit INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    arm TEXT NOT NULL,
    sums BLOB NOT NULL,
    PRIMARY KEY (trial_id, unit, epoch, arm)
) WITHOUT ROWID;

-- The highest hash that is kept of a test whose units were cut; it only falls.
CREATE TABLE unit_bounds (
    trial_id TEXT PRIMARY KEY NOT NULL,
    above INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE pair_summaries (
    trial_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (trial_id, epoch)
) WITHOUT ROWID;

-- Summaries of whole epochs alone (width 0, bucket 0): a test's are found without those of all others, and what is
-- written of traffic outside of any test pays nothing.
CREATE INDEX summaries_epochs ON summaries (experiment, epoch) WHERE width_s = 0;
