"""Reads a page in the delimited protobuf format with Google's library, and the same page as text with Prometheus' own
Python parser, and holds the one against the other. Usage: native.py PAGE.pb PAGE.txt

The message types are built from the field numbers that prometheus/client_model documents. Prints one line per check;
exits 1 where one failed.
"""

import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, unknown_fields
from prometheus_client.parser import text_string_to_metric_families

F = descriptor_pb2.FieldDescriptorProto
MESSAGES = {
    "LabelPair": {"name": (1, F.TYPE_STRING), "value": (2, F.TYPE_STRING)},
    "Timestamp": {"seconds": (1, F.TYPE_INT64), "nanos": (2, F.TYPE_INT32)},
    "Exemplar": {"label": (1, "LabelPair*"), "value": (2, F.TYPE_DOUBLE), "timestamp": (3, "Timestamp")},
    "Gauge": {"value": (1, F.TYPE_DOUBLE)},
    "Counter": {"value": (1, F.TYPE_DOUBLE), "exemplar": (2, "Exemplar"), "created_timestamp": (3, "Timestamp")},
    "Bucket": {"cumulative_count": (1, F.TYPE_UINT64), "upper_bound": (2, F.TYPE_DOUBLE), "exemplar": (3, "Exemplar")},
    "BucketSpan": {"offset": (1, F.TYPE_SINT32), "length": (2, F.TYPE_UINT32)},
    "Histogram": {
        "sample_count": (1, F.TYPE_UINT64), "sample_sum": (2, F.TYPE_DOUBLE), "bucket": (3, "Bucket*"),
        "sample_count_float": (4, F.TYPE_DOUBLE), "schema": (5, F.TYPE_SINT32), "zero_threshold": (6, F.TYPE_DOUBLE),
        "zero_count": (7, F.TYPE_UINT64), "zero_count_float": (8, F.TYPE_DOUBLE), "negative_span": (9, "BucketSpan*"),
        "negative_delta": (10, -F.TYPE_SINT64), "negative_count": (11, -F.TYPE_DOUBLE),
        "positive_span": (12, "BucketSpan*"), "positive_delta": (13, -F.TYPE_SINT64),
        "positive_count": (14, -F.TYPE_DOUBLE), "created_timestamp": (15, "Timestamp"), "exemplars": (16, "Exemplar*"),
    },
    "Metric": {
        "label": (1, "LabelPair*"), "gauge": (2, "Gauge"), "counter": (3, "Counter"), "histogram": (7, "Histogram"),
        "timestamp_ms": (6, F.TYPE_INT64),
    },
    "MetricFamily": {
        "name": (1, F.TYPE_STRING), "help": (2, F.TYPE_STRING), "type": (3, F.TYPE_INT32), "metric": (4, "Metric*"),
        "unit": (5, F.TYPE_STRING),
    },
}


def family_type():
    file = descriptor_pb2.FileDescriptorProto(name="page.proto", package="page", syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            added = message.field.add(name=field, number=number, label=F.LABEL_OPTIONAL)
            if isinstance(kind, str):
                added.type, added.type_name = F.TYPE_MESSAGE, ".page." + kind.rstrip("*")
                many = kind.endswith("*")
            else:
                added.type, many = abs(kind), kind < 0
            if many:
                added.label = F.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("page.MetricFamily"))


def families(page):
    kind, at = family_type(), 0
    while at < len(page):
        length = shift = 0
        while True:
            byte = page[at]
            at, length, shift = at + 1, length | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                break
        yield kind.FromString(page[at : at + length])
        at += length


failures = 0


def check(good, what):
    global failures
    failures += not good
    if not good:
        print("FAIL", what)


def native_buckets(histogram):
    """Where each bucket begins and ends, and how many it holds."""
    deltas, at, held = iter(histogram.positive_delta), 0, 0
    for span in histogram.positive_span:
        at += span.offset
        for _ in range(span.length):
            held += next(deltas)
            yield 2 ** ((at - 1) / 2**histogram.schema), 2 ** (at / 2**histogram.schema), held
            at += 1
    check(next(deltas, None) is None, "as many deltas as the spans have buckets")


def check_native(name, histogram):
    buckets = list(native_buckets(histogram))
    check(all(held >= 0 for _, _, held in buckets), f"{name}: counts below zero: {buckets}")
    total = histogram.zero_count + sum(held for _, _, held in buckets)
    check(total == histogram.sample_count, f"{name}: {total} in native buckets, {histogram.sample_count} in all")
    check(histogram.zero_threshold == 2.0**-128, f"{name}: zero up to {histogram.zero_threshold}")
    check(0 <= histogram.schema <= 3, f"{name}: schema {histogram.schema}")
    check(not histogram.negative_span and not histogram.positive_count, f"{name}: negative or float buckets")
    slack = 1 + 1e-12
    for bucket in histogram.bucket:
        surely = histogram.zero_count + sum(held for _, to, held in buckets if to <= bucket.upper_bound / slack)
        at_most = histogram.zero_count + sum(held for start, _, held in buckets if start < bucket.upper_bound * slack)
        good = surely <= bucket.cumulative_count <= at_most
        check(good, f"{name}: {bucket.cumulative_count} up to {bucket.upper_bound}, native {surely} to {at_most}")
    least, most = sum(held * start for start, _, held in buckets), sum(held * to for _, to, held in buckets)
    check(least / slack <= histogram.sample_sum <= most * slack, f"{name}: sum {histogram.sample_sum}, native {least} to {most}")


def check_exemplars(name, histogram):
    before = 0.0
    found = 0
    for bucket in histogram.bucket:
        if bucket.HasField("exemplar"):
            found += 1
            value = bucket.exemplar.value
            good = before < value <= bucket.upper_bound or value == 0.0
            check(good, f"{name}: exemplar {value} between {before} and {bucket.upper_bound}")
            check([pair.name for pair in bucket.exemplar.label] == ["run_id"], f"{name}: exemplar {bucket.exemplar}")
        before = bucket.upper_bound
    return found


def main(page, text):
    told = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            told[sample.name, frozenset(sample.labels.items())] = sample.value
    read, natives, exemplars, series = list(families(page)), 0, 0, 0
    check(all(not len(unknown_fields.UnknownFieldSet(family)) for family in read), "fields that no document names")
    for family in read:
        for metric in family.metric:
            labels = frozenset((pair.name, pair.value) for pair in metric.label)
            name = f"{family.name}{dict(labels)}"
            if family.type == 4:
                histogram = metric.histogram
                check(told[family.name + "_count", labels] == histogram.sample_count, f"{name}: count")
                check(told[family.name + "_sum", labels] == histogram.sample_sum, f"{name}: sum")
                check(histogram.HasField("created_timestamp"), f"{name}: no creation time")
                series += len(histogram.bucket) + 2
                exemplars += check_exemplars(name, histogram)
                run = family.name.startswith("taskrun_run_")
                check(run == histogram.HasField("schema"), f"{name}: native is for the histograms of runs")
                if run:
                    natives += 1
                    check_native(name, histogram)
            else:
                value = metric.counter.value if family.type == 0 else metric.gauge.value
                check(told[family.name, labels] == value, f"{name}: {value}")
                series += 1
    check(series == len(told), f"{series} series in protobuf, {len(told)} in text")
    names = {family.name for family in read}
    for name in ("taskrun_run_duration_seconds", "taskrun_run_wait_seconds", "taskrun_run_memory_bytes"):
        check(name in names, f"{name} is not there")
    check(natives > 20 and exemplars > 5, f"{natives} native histograms, {exemplars} exemplars")
    print(f"{len(read)} families, {series} series, {natives} native histograms, {exemplars} exemplars, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as page, open(sys.argv[2], encoding="utf-8") as text:
        sys.exit(main(page.read(), text.read()))
