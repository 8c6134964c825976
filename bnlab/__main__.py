"""The `bnlab` command."""

import os
import signal
import sys
import threading
from typing import NoReturn

from bnlab.errors import AnswerIsNo, Interrupted, RunFailed, UserError


def main() -> None:
    """Run the command line.

    Exit codes: 0 done; 1 the answer is no; 2 the user's mistake, in one message; 130 interrupted, what was done is kept.
    """
    try:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM interrupts as Ctrl-C does
        from bnlab.cli import app

        app()
    except UserError as error:
        from bnlab.cli.options import message_of

        sys.exit(_refuse(message_of(error), 2))
    except AnswerIsNo as error:
        sys.exit(_say(error, 1))
    except RunFailed as error:
        sys.exit(_refuse(error, 1))
    except (KeyboardInterrupt, Interrupted) as interrupt:
        _leave(str(interrupt) or "interrupted")
    except SystemExit as done:
        if done.code == 130:  # Typer's word for a Ctrl-C that no command answered
            _leave("interrupted")
        if done.code == 2:  # Typer has said on standard error what is wrong with the command line
            sys.exit(_answer_error("the command line was not understood; standard error says why", 2))
        raise
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.stderr.close()
        sys.exit(1)


def _leave(message: str) -> NoReturn:
    """Say so and go: at once where a thread is deep in a compiled segment, since all that is kept is on the disk."""
    code = _refuse(message, 130)
    if any(thread.name.startswith("bnlab") for thread in threading.enumerate()):
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _refuse(message: object, code: int) -> int:
    """Say why there is no answer, with `--json` also as the answer. Return the exit code."""
    _say(message, code)
    return _answer_error(message, code)


def _answer_error(message: object, code: int) -> int:
    if "--json" in sys.argv[1:]:
        from bnlab.cli.answers import ErrorAnswer, print_answer

        print_answer(ErrorAnswer.of(str(message), code))
    return code


def _say(message: object, code: int) -> int:
    print(f"bnlab: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
