"""The `bnlab` command."""

import sys

from bnlab.errors import RunFailed, UserError


def main() -> None:
    """Run the command line.

    Exit codes: 0 done; 1 the answer is no; 2 the user's mistake, in one message; 130 interrupted, what was done is kept.
    """
    try:
        from bnlab.cli import app

        app()
    except UserError as error:
        sys.exit(_say(error, 2))
    except RunFailed as error:
        sys.exit(_say(error, 1))
    except KeyboardInterrupt as interrupt:
        sys.exit(_say(str(interrupt) or "interrupted", 130))
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.stderr.close()
        sys.exit(1)


def _say(message: object, code: int) -> int:
    print(f"bnlab: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
