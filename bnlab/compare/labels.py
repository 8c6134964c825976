"""What an arm is called in tables and figures: short, and no two alike."""

from collections.abc import Sequence

from bnlab.config import Config, computed_fields, differing_keys, value_at, value_text

MAX_LABEL = 60


def make_labels(configs: Sequence[Config], folders: Sequence[str]) -> list[str]:
    """Return a short label for each config, no two alike.

    That is its name; among configs of one name the fields in which they differ ("l2_penalty.scale=0.001"), with the name
    where there are others; and where no field differs, or too many do, the name and the run's folder.
    """
    names = [config.name for config in configs]
    fields = [computed_fields(config) for config in configs]
    labels: list[str] = []
    for name, own, folder in zip(names, fields, folders, strict=True):
        group = [other for n, other in zip(names, fields, strict=True) if n == name]
        if len(group) == 1:
            labels.append(name)
            continue
        text = ", ".join(f"{key}={value_text(value_at(own, key))}" for key in differing_keys(group))
        if not text or len(text) > MAX_LABEL:
            labels.append(f"{name} {folder}")
        else:
            labels.append(text if len(group) == len(names) else f"{name}, {text}")
    if len(set(labels)) < len(labels):
        labels = [
            f"{label} {folder}" if labels.count(label) > 1 else label for label, folder in zip(labels, folders, strict=True)
        ]
    return number_doubles(labels)


def number_doubles(labels: list[str]) -> list[str]:
    """Return the labels, each with its number before it where two are alike."""
    if len(set(labels)) == len(labels):
        return labels
    return [f"{number}: {label}" for number, label in enumerate(labels, start=1)]


def differing_fields(configs: Sequence[Config]) -> set[str]:
    """Return the top-level fields in which the computations of the configs differ."""
    fields = [computed_fields(config) for config in configs]
    return {key.split(".")[0] for key in differing_keys(fields)}
