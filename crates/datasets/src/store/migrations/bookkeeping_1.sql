-- Bookkeeping of every dataset file, version 1. It is written in the same transactions as the data,
-- so that a file always says which state it has.
--
-- Conventions of all files: a day is a number of days since 1970-01-01; a time is a number of
-- milliseconds since 1970-01-01T00:00:00Z; an SSIN is the integer of its eleven digits, an
-- enterprise number that of its ten digits. The application ID says which dataset a file has, the
-- user version which version of these tables.

-- The loaded state; no row if no data were ever loaded.
CREATE TABLE state (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    session     BLOB    NOT NULL CHECK (length(session) = 16),
    serial      INTEGER NOT NULL CHECK (serial > 0),
    file_sha256 BLOB    NOT NULL CHECK (length(file_sha256) = 32), -- of the last file that led to this state
    created     INTEGER NOT NULL, -- time of the publisher's notification: freshness counts from here
    applied     INTEGER NOT NULL, -- time of the load
    live        INTEGER NOT NULL, -- loaded records
    rejected    INTEGER NOT NULL  -- rejected records of the last file
) STRICT;

-- Files that the publisher listed in the loaded session. Never deleted within the session: a file
-- whose hash changes was rewritten.
CREATE TABLE known_file (
    kind   INTEGER NOT NULL CHECK (kind IN (0, 1)), -- 0 snapshot, 1 delta
    serial INTEGER NOT NULL,
    sha256 BLOB    NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (kind, serial)
) STRICT, WITHOUT ROWID;

-- Sessions that were left for another one: none of them is accepted again.
CREATE TABLE left_session (
    session BLOB PRIMARY KEY CHECK (length(session) = 16)
) STRICT, WITHOUT ROWID;

-- Keys of rejected records, which are therefore not loaded: the publisher may still delete them. An
-- id has owner 0; a membership is (ssin, days since 0001-01-01), a person (ssin, 0).
CREATE TABLE rejected_key (
    owner INTEGER NOT NULL,
    id    INTEGER NOT NULL,
    PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;

-- Outcomes of the runs, oldest first. Consecutive runs with the same outcome share a row.
CREATE TABLE history (
    number   INTEGER PRIMARY KEY,
    code     TEXT    NOT NULL,
    serial   INTEGER, -- loaded after the run; NULL if no data were ever loaded
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    times    INTEGER NOT NULL,
    records  INTEGER NOT NULL, -- read by the last run
    rejected INTEGER NOT NULL  -- rejected by the last run
) STRICT;
