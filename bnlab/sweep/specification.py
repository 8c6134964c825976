"""What a sweep's file says, checked by a strict schema of its own."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from annotated_types import doc
from pydantic import Field, ValidationError, model_validator

from bnlab.config import WORDS, Section, explain, find_sweep, parse_fields, parse_seeds, read_text
from bnlab.errors import UserError
from bnlab.options import OptionError

Settings = Mapping[str, Any]
"""{"a.b": value}: fields of a config and their values; a whole section is a value too."""
Values = Annotated[list[Any], Field(min_length=1)]

NO_AXES = (*WORDS, "seeds")
"""Fields that no sweep can change: the first say something and compute nothing, and every point has the sweep's seeds."""


class Specification(Section, frozen=True):
    """A sweep's file: arms × grid × zip × points, each over the same seeds."""

    name: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"),
        doc("The name of the sweep, and of the folder of its answers."),
    ]
    description: Annotated[str, doc("What the sweep asks, in one sentence.")] = ""
    base: Annotated[str | None, doc("The config that the points change: a file beside the sweep's, or a config's name.")] = (
        None
    )
    arms: Annotated[
        dict[str, str | dict[str, Any]],
        doc("What is compared at each point: {label: another config, or settings of the base such as {model.norm: null}}."),
    ] = Field(default_factory=dict)
    grid: Annotated[
        dict[str, Values], doc("Fields and their values; every combination is a point. Each field is an axis.")
    ] = Field(default_factory=dict)
    zip: Annotated[dict[str, Values], doc("Fields whose values go together: the first with the first. All are one axis.")] = (
        Field(default_factory=dict)
    )
    points: Annotated[
        list[dict[str, Any]], doc("Points that are listed one by one, as {field: value}. All are one axis.")
    ] = Field(default_factory=list)
    seeds: Annotated[str | int, doc("The seeds of every point, such as 3, or 0:8 (8 is excluded).")] = "0:8"
    metrics: Annotated[
        list[str],
        doc(
            "The metrics that are looked at; the first decides which point is best. Default: all on test and validation rows."
        ),
    ] = Field(default_factory=list)
    baseline: Annotated[str | None, doc("The arm that the others are compared with; by default the first.")] = None
    axes: Annotated[list[str], doc("The axes that figures look along; by default all.")] = Field(default_factory=list)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.base is None and not self.arms:
            raise OptionError("base", "is missing, and there are no arms")
        settings = [label for label, arm in self.arms.items() if not isinstance(arm, str)]
        if self.base is None and settings:
            raise OptionError("base", f"is missing, and the arm '{settings[0]}' consists of settings that change it")
        if self.baseline is not None and self.baseline not in self.arms:
            raise OptionError("baseline", f"got '{self.baseline}', expected one of {', '.join(self.arms) or 'the arms'}")
        lengths = {key: len(values) for key, values in self.zip.items()}
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{key} has {length}" for key, length in lengths.items())
            raise OptionError("zip", f"expected lists of one length: {counts}")
        taken: dict[str, str] = {}
        for place, keys in self._keys():
            for key in keys:
                if key.partition(".")[0] in NO_AXES:
                    raise OptionError(place, f"{key}: cannot be changed by a sweep")
                for other, there in taken.items():
                    if f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}."):
                        problem = f"is also in {there}" if key == other else f"overlaps {other} in {there}"
                        raise OptionError(place, f"{key}: {problem}; a field belongs to one axis")
            taken |= dict.fromkeys(keys, place)
        return self

    def _keys(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the fields of each axis, and where they stand."""
        for key in self.grid:
            yield "grid", [key]
        yield "zip", list(self.zip)
        yield "points", list(dict.fromkeys(key for point in self.points for key in point))


def load_specification(source: str | Path) -> tuple[Specification, Path, str]:
    """Return what the file `source` says, or the shipped sweep of that name; the path of the file; and its text.

    Raises:
        UserError: what was wrong, and where.
    """
    path = find_sweep(source)
    text = read_text(path)
    try:
        specification = Specification.model_validate(parse_fields(text, str(path)))
        parse_seeds(specification.seeds)
    except ValidationError as error:
        raise UserError("\n".join(f"{path}: {line}" for line in explain(error, Specification))) from None
    except UserError as error:
        raise error if error.argument != "seeds" else UserError(f"{path}: {error}") from None
    return specification, path, text
