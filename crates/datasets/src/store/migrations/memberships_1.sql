-- insurance, version 1: the memberships, clustered by the person that is asked about; the key leads to them.
CREATE TABLE membership (
    ssin      INTEGER NOT NULL,
    begin_day INTEGER NOT NULL,
    fund      INTEGER NOT NULL,
    end_day   INTEGER, -- NULL while it lasts
    PRIMARY KEY (ssin, begin_day)
) STRICT, WITHOUT ROWID;
