"""What goes wrong by the user's hand, as opposed to a bug."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake the user can mend; the message is complete and is shown without a traceback.

    The command line prints it and exits with 2.
    """


class Interrupted(Exception):
    """Ctrl-C or SIGTERM; the message says what was kept and how to go on. The command line exits with 130."""


class RunFailed(Exception):
    """The work was asked for correctly but its answer is no; the command line exits with 1."""


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return ' (did you mean X?)' for the choice nearest to `word`, or '' where none is near."""
    matches = difflib.get_close_matches(word, list(choices), n=1)
    return f" (did you mean {matches[0]}?)" if matches else ""
