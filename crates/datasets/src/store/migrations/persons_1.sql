-- persons, version 1. The column `cancelled` is validated but not stored: it changes no answer.
CREATE TABLE person (
    ssin        INTEGER PRIMARY KEY,
    replaced_by INTEGER
) STRICT;

-- From an SSIN to those that it replaced. It contains only SSINs that were replaced.
CREATE INDEX person_by_successor ON person (replaced_by) WHERE replaced_by IS NOT NULL;
