-- The improvement loop: what people said, what they reviewed, versions of datasets, training.
-- labels, before, after, counts and document are JSON.
CREATE TABLE datasets (
    id INTEGER PRIMARY KEY,
    dataset_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at REAL NOT NULL,
    origin TEXT NOT NULL
);

-- A kept image is an item of one dataset, and bears all that its review needs: predictions go earlier than it does.
-- drawn: the random sample drew it, and draw_rate is the rate it had then (0: not known). image_hash is signed, 64
-- bits. in_versions counts the versions that hold it. detections is the last one: it may be large, and what lies
-- behind a large value is read through all of it.
ALTER TABLE samples ADD COLUMN dataset_id TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN variant TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN role TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN experiment TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN slice TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN unit TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN client_request_id TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN score_threshold REAL NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN image_hash INTEGER;
ALTER TABLE samples ADD COLUMN value REAL NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN drawn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN draw_rate REAL NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN audit_rank REAL NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN labels TEXT;
ALTER TABLE samples ADD COLUMN reviewed_in TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN reviewed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN reviewed_at REAL;
ALTER TABLE samples ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN claimed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN claimed_in TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN claimed_until REAL NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN split TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN in_versions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN detections BLOB;

UPDATE samples SET status = 'needs_review' WHERE status = 'new';

UPDATE samples SET drawn = 1 WHERE EXISTS (SELECT 1 FROM json_each(reasons) WHERE value = 'random_sample');

-- The last columns of these let counts be read from the index alone.
CREATE INDEX samples_queue ON samples (dataset_id, status, drawn, value, id, claimed_until, bytes);

CREATE INDEX samples_audit ON samples (dataset_id, status, audit_rank, id, claimed_until, reviewed_in, drawn)
    WHERE drawn = 1;

CREATE INDEX samples_labeled ON samples (dataset_id, sample_id) WHERE status = 'labeled';

CREATE INDEX samples_evictable ON samples (status, drawn, at, claimed_until, bytes, in_versions)
    WHERE in_versions = 0 AND status <> 'labeled';

CREATE INDEX samples_experiment
    ON samples (experiment, epoch, role, version, draw_rate, reviewed_in, status, verdict, unit, drawn, prediction_id)
    WHERE drawn = 1 AND experiment <> '';

CREATE INDEX samples_model ON samples (model, reviewed_in, at, version, status, drawn) WHERE drawn = 1;

-- How many images that the random sample drew are gone without a review that counts: they stay a part of what was
-- drawn. day is that of the image, in whole days since 1970, UTC.
CREATE TABLE audit_gone (
    model TEXT NOT NULL,
    day INTEGER NOT NULL,
    version TEXT NOT NULL,
    role TEXT NOT NULL,
    experiment TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    draw_rate REAL NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (model, day, version, role, experiment, epoch, draw_rate)
) WITHOUT ROWID;

CREATE INDEX audit_gone_day ON audit_gone (day);

CREATE INDEX audit_gone_experiment ON audit_gone (experiment, epoch, role, version, draw_rate, n) WHERE experiment <> '';

-- A client's own id is looked for ten seconds by ten seconds: an index of the ids alone would be written all over at
-- every commit, which costs a third of it; this one is written where the last commit wrote.
CREATE INDEX predictions_client ON predictions (CAST(at / 10 AS INTEGER), client_request_id)
    WHERE client_request_id <> '';

-- What reviewers did; undone is the id of the event that took it back.
CREATE TABLE item_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sample_id TEXT NOT NULL,
    dataset_id TEXT NOT NULL,
    at REAL NOT NULL,
    author TEXT NOT NULL,
    action TEXT NOT NULL,
    from_status TEXT NOT NULL,
    to_status TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    undone INTEGER
);

CREATE INDEX item_events_sample ON item_events (sample_id, id);

CREATE INDEX item_events_dataset ON item_events (dataset_id, id);

-- What people said of a prediction. place tells apart what one author may say of one prediction side by side; what is
-- replaced stays. Of a prediction that is not known yet it is pending, and model is empty.
CREATE TABLE feedback (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    feedback_id TEXT NOT NULL UNIQUE,
    prediction_id TEXT NOT NULL,
    client_request_id TEXT NOT NULL,
    feedback_type TEXT NOT NULL,
    detection_index INTEGER,
    correct_class TEXT NOT NULL,
    correct_box TEXT,
    place TEXT NOT NULL,
    author TEXT NOT NULL,
    note TEXT NOT NULL,
    at REAL NOT NULL,
    received_at REAL NOT NULL,
    pending INTEGER NOT NULL,
    replaced_at REAL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    label TEXT NOT NULL,
    score REAL
);

CREATE INDEX feedback_prediction ON feedback (prediction_id, id);

CREATE INDEX feedback_received ON feedback (received_at, id);

CREATE INDEX feedback_model ON feedback (model, received_at);

CREATE INDEX feedback_pending ON feedback (id, received_at, author) WHERE pending = 1;

CREATE INDEX feedback_replaced ON feedback (received_at) WHERE replaced_at IS NOT NULL;

-- The one verdict of a prediction that follows from what people said of it, and the bucket that it is counted in.
CREATE TABLE verdicts (
    prediction_id TEXT PRIMARY KEY NOT NULL,
    verdict TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    role TEXT NOT NULL,
    experiment TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    slice TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX verdicts_bucket ON verdicts (bucket);

CREATE INDEX verdicts_model ON verdicts (model, bucket, version, verdict);

-- Changes of verdicts that no summary holds yet; they go in the transaction of the summaries that do.
CREATE TABLE verdict_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket INTEGER NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    role TEXT NOT NULL,
    experiment TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    slice TEXT NOT NULL,
    kind TEXT NOT NULL,
    n INTEGER NOT NULL
);

-- Immutable but for deleted_at of an item: an image that was deleted leaves its checksum.
CREATE TABLE dataset_versions (
    id INTEGER PRIMARY KEY,
    version_id TEXT NOT NULL UNIQUE,
    dataset_id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    name TEXT NOT NULL,
    author TEXT NOT NULL,
    created_at REAL NOT NULL,
    content TEXT NOT NULL,
    items INTEGER NOT NULL,
    counts TEXT NOT NULL
);

CREATE INDEX dataset_versions_dataset ON dataset_versions (dataset_id, id);

CREATE TABLE version_items (
    version_id TEXT NOT NULL,
    sample_id TEXT NOT NULL,
    split TEXT NOT NULL,
    checksum TEXT NOT NULL,
    labels TEXT NOT NULL,
    media_type TEXT NOT NULL,
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    deleted_at REAL,
    PRIMARY KEY (version_id, sample_id)
) WITHOUT ROWID;

CREATE INDEX version_items_sample ON version_items (sample_id);

CREATE TABLE training_jobs (
    id INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    dataset_id TEXT NOT NULL,
    version_id TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at REAL NOT NULL,
    ended_at REAL,
    document TEXT NOT NULL
);

CREATE INDEX training_jobs_status ON training_jobs (status, id);

CREATE TABLE model_versions (
    id INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    created_at REAL NOT NULL,
    job_id TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (model, version)
);
