"""From a file, or a text, to a checked config."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bnlab.config.differences import changes
from bnlab.config.explain import explain
from bnlab.config.finding import find_config
from bnlab.config.overrides import Seeds, apply_overrides, parse_seeds, set_field
from bnlab.config.own_data import find_own_data
from bnlab.config.schema import Config
from bnlab.config.strict_yaml import load_own_yaml, load_yaml
from bnlab.errors import UserError


def load_config(source: str | Path, *, overrides: Sequence[str] = (), seeds: Seeds | None = None) -> Config:
    """Return the config in the file `source`, or the shipped one of that name.

    `overrides` are "a.b=value" strings, applied in order; `seeds` replaces both of the config's.

    Raises:
        UserError: what was wrong, and where.
    """
    path = find_config(source)
    return parse_config(read_text(path), str(path), overrides=overrides, seeds=seeds)


def read_text(path: Path) -> str:
    """Return the text of a file. Raises: UserError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserError(f"{path}: cannot be read: {reason}") from None


def parse_config(
    text: str,
    place: str,
    *,
    overrides: Sequence[str] = (),
    seeds: Seeds | None = None,
    own: bool = False,
) -> Config:
    """Return the config in `text`; `place` names it in errors. `own`: bnlab wrote it, and it is unaltered, which is faster.

    Raises:
        UserError: as `load_config`.
    """
    given = GivenFields(parse_fields(text, place, own=own), Path(place).parent)
    fields = given.copy()
    apply_overrides(fields, overrides)
    if seeds is not None:
        numbers = parse_seeds(seeds)
        fields["seeds"] = dict.fromkeys(("init", "data"), numbers[0] if len(numbers) == 1 else numbers)
    config = _validated(fields, place, given.folder)
    return _described(config, given) if overrides else config


def parse_fields(text: str, place: str, *, own: bool = False) -> dict[str, Any]:
    """Return the keys and values of a YAML text that are not checked yet; the arguments are those of `parse_config`.

    Raises:
        UserError: the text is not YAML, or has no keys.
    """
    fields = load_own_yaml(text) if own else load_yaml(text, place)
    if fields is None:
        raise UserError(f"{place}: the file is empty")
    if not isinstance(fields, dict):
        raise UserError(f"{place}: got a {type(fields).__name__}, expected keys and values such as 'name: …'")
    return fields


class GivenFields:
    """The fields that a config's file gives (see `parse_fields`), not checked yet, and the file's folder.

    A relative path of a data set is looked for in the folder, too.
    """

    def __init__(self, fields: dict[str, Any], folder: Path):
        self.fields, self.folder = fields, folder

    def copy(self) -> dict[str, Any]:
        """Return the fields in sections of their own."""
        return _copied(self.fields)

    @cached_property
    def config(self) -> Config | None:
        """Their config; None where they are no config by themselves."""
        fields = self.copy()
        try:
            find_own_data(fields, self.folder)
            return Config.model_validate(fields)
        except (ValidationError, RecursionError, UserError):
            return None


def change_config(given: GivenFields, settings: Mapping[str, object], place: str) -> Config:
    """Return the config of the given fields with other values: {"a.b": value}.

    Raises:
        UserError: as `load_config`; `place` stands before the key.
    """
    fields = given.copy()
    try:
        for key, value in settings.items():
            set_field(fields, key, value)
        config = _validated(fields, place, given.folder)
    except UserError as error:
        raise UserError(error.message if error.message.startswith(place) else f"{place}: {error.message}") from None
    return _described(config, given)


def _copied(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in fields.items()}


def _validated(fields: dict[str, Any], place: str, folder: Path) -> Config:
    find_own_data(fields, folder)
    try:
        return Config.model_validate(fields)
    except ValidationError as error:
        raise UserError("\n".join(f"{place}: {line}" for line in explain(error))) from None
    except RecursionError:
        raise UserError(f"{place}: values are nested too deeply") from None


CHANGED = "Changed: "
"""How the part of a description begins that says what overrides changed: without it, the rest may be untrue."""


def _described(config: Config, given: GivenFields) -> Config:
    """Return the config with a description that says what differs from the given fields.

    It is then no longer the variant that it was, and reproduces no article. Words that were themselves changed stay as they
    are, as do those of a file that is no config by itself.
    """
    before = given.config
    if before is None or not (changed := ", ".join(changes(before, config))):
        return config
    words: dict[str, str | None] = {}
    if config.article == before.article:
        words["article"] = None
    if config.variant == before.variant:
        words["variant"] = ""
    if config.description == before.description:
        own = before.description.rstrip(". ")
        start = f"{own}, " if CHANGED in own else f"{own}. {CHANGED}" if own else CHANGED
        words["description"] = start + changed
    return config.model_copy(update=words)
