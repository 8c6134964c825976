"""Answers as pandas tables, where pandas is installed: bnlab itself does not need it."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bnlab.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def data_frame(table: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> "pd.DataFrame":
    """Return columns, or rows, as a pandas table.

    Raises:
        UserError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise UserError("to_pandas needs the package pandas, which is not installed: run pip install pandas") from None
    return pd.DataFrame(table if isinstance(table, Mapping) else list(table))
