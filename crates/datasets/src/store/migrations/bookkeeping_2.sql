-- What every dataset file holds beside its data, version 2.

-- The notification that the loaded state was last found in step with, where it came from a web server, and what its
-- server would know it by (RFC 9110, 8.8): told of it, the server need not send it again. Whatever changes the state
-- removes the row in the same transaction, so that it never speaks of another one.
CREATE TABLE notice (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    url       TEXT    NOT NULL, -- of the feed: another server's word is none
    kind      INTEGER NOT NULL CHECK (kind IN (0, 1)), -- of the validator: 0 ETag, 1 Last-Modified
    validator BLOB    NOT NULL,
    document  BLOB    NOT NULL
) STRICT;
