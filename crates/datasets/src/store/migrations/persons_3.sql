-- persons, version 3.

-- From an SSIN to the one that replaced it. Few SSINs were ever replaced: a look-up in this index
-- touches pages that every question touches, while the table's pages may not be in memory.
CREATE INDEX person_by_replaced ON person (ssin, replaced_by) WHERE replaced_by IS NOT NULL;
