"""Where configs are: files of the user, and those that come with bnlab."""

from collections.abc import Mapping
from pathlib import Path

from bnlab.errors import UserError, nearest


def configs_folder() -> Path:
    """Return the folder of the shipped configs: inside an installed wheel, or at the top of a clone."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def shipped_configs() -> dict[str, Path]:
    """Return {name: path} of every shipped config, sorted by name."""
    return {path.stem: path for path in sorted(configs_folder().glob("*.yaml"))}


def shipped_sweeps() -> dict[str, Path]:
    """Return {name: path} of every shipped sweep, sorted by name."""
    return {path.stem: path for path in sorted((configs_folder() / "sweeps").glob("*.yaml"))}


def find_sweep(source: str | Path) -> Path:
    """Return the file that `source` names: a path, or a shipped sweep's name. Raises: UserError."""
    return _find(source, shipped_sweeps(), "sweep")


def find_config(source: str | Path) -> Path:
    """Return the file that `source` names: a path, or a shipped config's name. Raises: UserError."""
    return _find(source, shipped_configs(), "config")


def _find(source: str | Path, shipped: Mapping[str, Path], what: str) -> Path:
    path = Path(source)
    try:
        if path.is_file():
            return path
        if str(source) in shipped:
            return shipped[str(source)]
        if path.is_dir():
            raise UserError(f"{source}: is a folder, expected a {what} file")
    except OSError as error:  # a folder that may not be entered, a name that is too long
        raise UserError(f"{source}: cannot be read: {error.strerror}") from None
    hint = nearest(path.stem, shipped)
    raise UserError(f"{source}: no such file, and no shipped {what} has that name{hint}", advice="`bnlab configs` lists them")
