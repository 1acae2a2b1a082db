-- Bookkeeping of every dataset file, version 2.

-- The cached notification: the one that the loaded state is up to date with, if it came from a web
-- server, and its validator (RFC 9110, section 8.8) for a conditional request. Every change of the
-- state deletes the row in the same transaction, so that it never belongs to another state.
CREATE TABLE notice (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    url       TEXT    NOT NULL, -- of the feed: the validator of another server means nothing
    kind      INTEGER NOT NULL CHECK (kind IN (0, 1)), -- of the validator: 0 ETag, 1 Last-Modified
    validator BLOB    NOT NULL,
    document  BLOB    NOT NULL
) STRICT;
