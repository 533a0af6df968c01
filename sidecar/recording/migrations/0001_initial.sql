-- One row per prediction, its detections in one blob. detection_count, max_confidence and mean_confidence count
-- detections at or above score_threshold; labels lists their classes, each between line feeds.
-- request_id has no index of its own: the predictions of a request are ID, or ID.0, ID.1 ..., a range of prediction_id.
CREATE TABLE predictions (
    id INTEGER PRIMARY KEY,
    prediction_id TEXT NOT NULL UNIQUE,
    request_id TEXT NOT NULL,
    image_index INTEGER NOT NULL,
    at REAL NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    variant TEXT NOT NULL,
    role TEXT NOT NULL,
    experiment TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    unit TEXT NOT NULL,
    slice TEXT NOT NULL,
    dialect TEXT NOT NULL,
    status INTEGER NOT NULL,
    error TEXT NOT NULL,
    undecodable TEXT NOT NULL,
    latency_ms REAL,
    upstream_ms REAL,
    first_byte_ms REAL,
    request_bytes INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL,
    image_width INTEGER NOT NULL,
    image_height INTEGER NOT NULL,
    score_threshold REAL NOT NULL,
    client_request_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    detections BLOB,
    detection_count INTEGER,
    max_confidence REAL,
    mean_confidence REAL,
    labels TEXT NOT NULL
);

CREATE INDEX predictions_at ON predictions (at);

CREATE INDEX predictions_model ON predictions (model, version, at);

CREATE TABLE summaries (
    bucket INTEGER NOT NULL,
    width_s INTEGER NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    role TEXT NOT NULL,
    experiment TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    slice TEXT NOT NULL,
    revision INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (width_s, bucket, model, version, role, experiment, epoch, slice)
);

-- How far each worker's stream is committed. A worker's epoch is its start, so a restart is a new stream.
CREATE TABLE positions (
    worker INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (worker, epoch)
);

CREATE TABLE samples (
    id INTEGER PRIMARY KEY,
    sample_id TEXT NOT NULL UNIQUE,
    prediction_id TEXT NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    at REAL NOT NULL,
    reasons TEXT NOT NULL,
    probability REAL NOT NULL,
    status TEXT NOT NULL,
    media_type TEXT NOT NULL,
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL
);

CREATE INDEX samples_at ON samples (at, bytes);

CREATE INDEX samples_prediction ON samples (prediction_id);

-- AUTOINCREMENT: an id is never used again, so that acknowledging an old revision can't remove a new one.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    queued_at REAL NOT NULL,
    payload BLOB NOT NULL,
    UNIQUE (destination, key)
);
