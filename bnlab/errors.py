"""Errors that the user can correct, as opposed to bugs."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can mend: place, what was got, what was expected.

    argument: the parameter of the Python function that holds the mistake, such as "seeds". It stands before the message; the
        command line shows its option, such as --seeds, in its place.
    advice: a correction to type. Only the command line shows it, after the message.

    The command line prints the error without a traceback and exits with 2.
    """

    def __init__(self, message: str, *, argument: str | None = None, advice: str | None = None):
        super().__init__(message)
        self.message, self.argument, self.advice = message, argument, advice

    def __str__(self) -> str:
        return self.message if self.argument is None else f"{self.argument}: {self.message}"


class Interrupted(Exception):
    """Ctrl-C or SIGTERM; the message says what was kept and how to go on. The command line exits with 130."""


class RunFailed(Exception):
    """The request was correct, but the answer is no; the command line exits with 1."""


class AnswerIsNo(RunFailed):
    """The answer of the command was printed, and it is no; the message says why in one sentence."""


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return ' (did you mean X?)' for the choice nearest to `word`, or '' where none is near."""
    matches = difflib.get_close_matches(word, list(choices), n=1)
    return f" (did you mean {matches[0]}?)" if matches else ""
