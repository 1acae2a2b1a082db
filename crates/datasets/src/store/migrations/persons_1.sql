-- persons, version 1. That a number was cancelled is judged on the way in and not kept: it changes no answer.
CREATE TABLE person (
    ssin        INTEGER PRIMARY KEY,
    replaced_by INTEGER
) STRICT;

-- From a number to those that it replaced. Numbers that were never replaced are not in it.
CREATE INDEX person_by_successor ON person (replaced_by) WHERE replaced_by IS NOT NULL;
