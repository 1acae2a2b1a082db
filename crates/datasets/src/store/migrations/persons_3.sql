-- persons, version 3.

-- From a number to the one that replaced it. Of the country's numbers few ever were replaced: a question that looks here
-- touches pages that all questions touch, where the table would have it wait for memory.
CREATE INDEX person_by_replaced ON person (ssin, replaced_by) WHERE replaced_by IS NOT NULL;
