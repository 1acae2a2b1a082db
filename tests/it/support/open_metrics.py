"""Reads an exposition with the parser of Prometheus' own client for Python: OpenMetrics, whose rules it
enforces, and prints each exemplar: bucket, trace ID."""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

with open(sys.argv[1], encoding="utf-8") as file:
    families = list(text_string_to_metric_families(file.read()))
assert len(families) > 50, len(families)
for family in families:
    for sample in family.samples:
        if sample.exemplar:
            print(sample.labels["stage"], sample.exemplar.labels["trace_id"], sample.exemplar.value, sample.labels["le"])
