-- coprev and federated, version 1. The federated entity is validated but not stored: no answer
-- needs it.

-- Affiliations, clustered by employer: look-ups are by employer.
CREATE TABLE affiliation (
    employer       INTEGER NOT NULL,
    affiliation_id INTEGER NOT NULL,
    service        INTEGER NOT NULL,
    begin_day      INTEGER NOT NULL,
    end_day        INTEGER, -- NULL: no end
    PRIMARY KEY (employer, affiliation_id)
) STRICT, WITHOUT ROWID;

-- Employer of each affiliation: a delta names an affiliation by its id alone.
CREATE TABLE affiliation_owner (
    affiliation_id INTEGER PRIMARY KEY,
    employer       INTEGER NOT NULL
) STRICT;
