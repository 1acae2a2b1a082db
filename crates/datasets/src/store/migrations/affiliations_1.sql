-- coprev and federated, version 1. The federated entity is judged on the way in and not kept: no answer needs it.

-- The affiliations, clustered by the employer that is asked about.
CREATE TABLE affiliation (
    employer       INTEGER NOT NULL,
    affiliation_id INTEGER NOT NULL,
    service        INTEGER NOT NULL,
    begin_day      INTEGER NOT NULL,
    end_day        INTEGER, -- NULL while it lasts
    PRIMARY KEY (employer, affiliation_id)
) STRICT, WITHOUT ROWID;

-- Where an affiliation is filed: a delta names it by its id alone.
CREATE TABLE affiliation_owner (
    affiliation_id INTEGER PRIMARY KEY,
    employer       INTEGER NOT NULL
) STRICT;
