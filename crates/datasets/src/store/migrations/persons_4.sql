-- persons, version 4.

-- Records that are valid in themselves, and rejected because they close a cycle of replacements.
-- Their keys are in rejected_key too. A later delta that breaks the cycle restores them.
CREATE TABLE cycle_record (
    ssin        INTEGER PRIMARY KEY,
    replaced_by INTEGER NOT NULL
) STRICT;
