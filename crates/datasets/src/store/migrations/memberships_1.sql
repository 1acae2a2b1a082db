-- insurance, version 1: memberships, clustered by person: look-ups are by person. The key leads to
-- the row directly.
CREATE TABLE membership (
    ssin      INTEGER NOT NULL,
    begin_day INTEGER NOT NULL,
    fund      INTEGER NOT NULL,
    end_day   INTEGER, -- NULL: no end
    PRIMARY KEY (ssin, begin_day)
) STRICT, WITHOUT ROWID;
