-- dimona, version 1.

-- The periods, clustered by the person that is asked about: one look-up reads one page.
CREATE TABLE period (
    ssin      INTEGER NOT NULL,
    period_id INTEGER NOT NULL,
    employer  INTEGER NOT NULL,
    begin_day INTEGER NOT NULL,
    end_day   INTEGER, -- NULL while the declaration stands
    PRIMARY KEY (ssin, period_id)
) STRICT, WITHOUT ROWID;

-- Where a period is filed: a delta names it by its id alone. The id is the rowid, which costs no column.
CREATE TABLE period_owner (
    period_id INTEGER PRIMARY KEY,
    ssin      INTEGER NOT NULL
) STRICT;
