-- Requests that are done once however often they are sent: their Idempotency-Key, and the answer once there is one.

CREATE TABLE idempotency_keys (
  id INTEGER PRIMARY KEY,
  asker TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  begun_at REAL NOT NULL,
  status INTEGER,
  body BLOB,
  UNIQUE (asker, idempotency_key)
);

CREATE INDEX idempotency_keys_age ON idempotency_keys (begun_at);
