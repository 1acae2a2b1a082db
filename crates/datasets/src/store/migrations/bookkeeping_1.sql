-- What every dataset file holds beside its data, version 1. It is written in the same transactions as the data, so that
-- a file always says which state it is.
--
-- Conventions of all files: a day is a count of days since 1970-01-01, a moment a count of milliseconds since
-- 1970-01-01T00:00:00Z; an SSIN is the integer that its eleven digits spell, an enterprise number that of its ten.
-- The application id says of which dataset a file is, the user version which version of these tables it has.

-- The state that is loaded; no row where nothing was ever loaded.
CREATE TABLE state (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    session     BLOB    NOT NULL CHECK (length(session) = 16),
    serial      INTEGER NOT NULL CHECK (serial > 0),
    file_sha256 BLOB    NOT NULL CHECK (length(file_sha256) = 32), -- of the last file that led here
    created     INTEGER NOT NULL, -- the publisher's moment: freshness counts from here
    applied     INTEGER NOT NULL, -- ours
    live        INTEGER NOT NULL, -- records that are loaded
    rejected    INTEGER NOT NULL  -- records of the last file that were not
) STRICT;

-- Files that the publisher listed in the loaded session, for ever: one whose hash changes was rewritten.
CREATE TABLE known_file (
    kind   INTEGER NOT NULL CHECK (kind IN (0, 1)), -- 0 snapshot, 1 delta
    serial INTEGER NOT NULL,
    sha256 BLOB    NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (kind, serial)
) STRICT, WITHOUT ROWID;

-- Sessions that were left for another one: none of them is ever taken again.
CREATE TABLE left_session (
    session BLOB PRIMARY KEY CHECK (length(session) = 16)
) STRICT, WITHOUT ROWID;

-- Keys of records that were rejected and are therefore not loaded: the publisher may delete them all the same.
-- An id alone has owner 0; a membership is (ssin, days since 0001-01-01), a person (ssin, 0).
CREATE TABLE rejected_key (
    owner INTEGER NOT NULL,
    id    INTEGER NOT NULL,
    PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;

-- How the runs ended, oldest first. Runs that end alike one after the other share a row.
CREATE TABLE history (
    number   INTEGER PRIMARY KEY,
    code     TEXT    NOT NULL,
    serial   INTEGER, -- that was loaded afterwards; NULL if none ever was
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    times    INTEGER NOT NULL,
    records  INTEGER NOT NULL, -- read in the last of them
    rejected INTEGER NOT NULL  -- of those
) STRICT;
