-- How tests came to what they came to. The buckets of a test are found without those of all other traffic, which pays
-- nothing for it.
CREATE INDEX summaries_tests ON summaries (experiment, width_s, bucket) WHERE experiment <> '';

-- What a test whose sums are not kept over time came to at some moments. document is JSON.
CREATE TABLE trial_snapshots (
    trial_id TEXT NOT NULL,
    at REAL NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (trial_id, at)
) WITHOUT ROWID;
