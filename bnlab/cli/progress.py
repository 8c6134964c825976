"""Progress on standard error: a bar on a terminal, a line every ten seconds in a log file."""

import contextlib
import sys
import time
from collections.abc import Iterator

from bnlab.errors import Interrupted
from bnlab.progress import OnDone, bar, on_terminal

LINE_SECONDS = 10.0


@contextlib.contextmanager
def progress(label: str, *, quiet: bool, unit: str = "steps") -> Iterator[OnDone | None]:
    """Yield a function that takes (done, total) in `unit`, or None if `quiet`."""
    if quiet:
        yield None
    elif on_terminal():
        with bar(label) as on_done:
            yield on_done
    else:
        last = time.monotonic()

        def line(done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last >= LINE_SECONDS:
                last = time.monotonic()
                print(f"{label}: {done:,} of {total:,} {unit} ({done / total:.0%})", file=sys.stderr, flush=True)

        yield line


@contextlib.contextmanager
def interruptible(advice: str) -> Iterator[None]:
    """Turn Ctrl-C or SIGTERM into a message that says what was kept, and gives `advice`. Raises: Interrupted."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        said = f"{interrupt}; {advice}" if str(interrupt) else advice
        raise Interrupted(f"interrupted: {said}") from None
