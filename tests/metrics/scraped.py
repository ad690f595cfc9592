"""The answer to a scrape as numbers."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

Samples = Mapping[tuple[str, str], float]


def samples_of(text: str) -> Samples:
    """Each sample but buckets, by its name and the value of its label."""
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "le" not in sample.labels
    }


def counted(samples: Samples, name: str) -> dict[str, float]:
    """The values of a metric that are not 0, by label."""
    return {label: value for (found, label), value in samples.items() if found == name and value}
