"""Progress on standard error: a bar on a terminal, a line every ten seconds in a log file."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from bnlab.errors import Interrupted

LINE_SECONDS = 10.0


@contextlib.contextmanager
def progress(label: str, *, quiet: bool, unit: str = "steps") -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that takes (done, total) in `unit`, or None if `quiet`."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(label, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
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
