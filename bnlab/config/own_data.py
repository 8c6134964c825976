"""What a config must know of a file of the user's own: where it is, and what is in it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bnlab.config.schema import DataConfig
from bnlab.errors import UserError
from bnlab.files import expanded


def find_own_data(fields: dict[str, Any], folder: Path) -> None:
    """Fill in `data.path` as an absolute path, and `data.found`, where the data set is a file and they are not there yet.

    folder: the config's, in which a relative path is looked for after the current folder. Fields that do not fit the schema
    stay as they are: their error is told when the config is checked.

    Raises: UserError where there is no such file, or no data set in it.
    """
    try:
        data = DataConfig.model_validate(fields.get("data"))
    except (ValidationError, RecursionError):
        return
    if not data.is_own or data.found or data.path is None:
        return
    from bnlab.data import find  # imports NumPy, which few configs need

    path = _locate(expanded(data.path, "data.path"), folder)
    found = find(data.name, data.model_copy(update={"path": str(path)}).options)
    fields["data"] = {**fields["data"], "path": str(path), "found": asdict(found)}


def _locate(path: Path, folder: Path) -> Path:
    places = [path.absolute(), *([] if path.is_absolute() else [(folder / path).absolute()])]
    try:
        for place in places:
            if place.is_file():
                return place
    except OSError as error:  # a folder that may not be entered, a name that is too long
        raise UserError(f"data.path: {path}: cannot be read: {error.strerror}") from None
    looked = " and ".join(dict.fromkeys(str(place.parent) for place in places))
    raise UserError(f"data.path: there is no file {path.name}; looked in {looked}")
