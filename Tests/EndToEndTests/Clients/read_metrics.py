"""Reads the text format of Prometheus from standard input with prometheus_client's own parser.

Writes one line of JSON: for each family its type, how many samples it has, and their sum.
"""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

families = {}
for family in text_string_to_metric_families(sys.stdin.buffer.read().decode("utf-8")):
    assert family.name not in families, family.name
    assert family.documentation, family.name
    families[family.name] = {
        "type": family.type,
        "samples": len(family.samples),
        "sum": sum(sample.value for sample in family.samples),
    }
print(json.dumps(families))
