"""Reads requests of OTLP/HTTP in JSON, one a line, with the protobuf definitions of OpenTelemetry. Prints a line for each
span: trace, span, parent, name, kind, nanoseconds, status, attributes."""

import base64
import json
import sys

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

# The JSON of OTLP has IDs in hexadecimal, that of protobuf in base64.
IDS = ("traceId", "spanId", "parentSpanId")

with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        request = json.loads(line)
        for scope in request["resourceSpans"][0]["scopeSpans"]:
            for span in scope["spans"]:
                span.update({name: base64.b64encode(bytes.fromhex(span[name])).decode() for name in IDS})
        # Unknown fields and wrong types are errors.
        parsed = ParseDict(request, ExportTraceServiceRequest())
        for resource in parsed.resource_spans:
            assert {entry.key: entry.value.string_value for entry in resource.resource.attributes}["service.name"]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    assert len(span.trace_id) == 16 and len(span.span_id) == 8 and len(span.parent_span_id) in (0, 8)
                    attributes = ",".join(f"{entry.key}={entry.value.string_value}" for entry in span.attributes)
                    length = span.end_time_unix_nano - span.start_time_unix_nano
                    print(span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name, span.kind,
                          length, span.status.code, attributes)
