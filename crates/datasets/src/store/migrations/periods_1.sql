-- dimona, version 1.

-- Employment periods, clustered by person: one look-up reads one page.
CREATE TABLE period (
    ssin      INTEGER NOT NULL,
    period_id INTEGER NOT NULL,
    employer  INTEGER NOT NULL,
    begin_day INTEGER NOT NULL,
    end_day   INTEGER, -- NULL: no end
    PRIMARY KEY (ssin, period_id)
) STRICT, WITHOUT ROWID;

-- Person of each period: a delta names a period by its id alone. The id is the rowid, which costs
-- no column.
CREATE TABLE period_owner (
    period_id INTEGER PRIMARY KEY,
    ssin      INTEGER NOT NULL
) STRICT;
