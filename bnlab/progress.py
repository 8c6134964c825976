"""A progress bar, on a terminal and in a notebook."""

import contextlib
import html
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

OnDone = Callable[[int, int], None]
"""Called with (done, all)."""

LEAST_SECONDS = 0.1
"""A notebook's bar is drawn no more often: each time is a message to the browser."""


@contextlib.contextmanager
def bar(label: str) -> Iterator[OnDone | None]:
    """Yield the function that moves a bar; None where there is neither a notebook nor a terminal. The bar goes in the end."""
    if shell := _notebook():
        with _notebook_bar(shell, label) as on_done:
            yield on_done
    elif on_terminal():
        with _terminal_bar(label) as on_done:
            yield on_done
    else:
        yield None


def on_terminal() -> bool:
    """Return whether standard error, where the bar is drawn, is a terminal."""
    return sys.stderr.isatty()


@contextlib.contextmanager
def _terminal_bar(label: str) -> Iterator[OnDone]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _notebook() -> Any:
    """Return IPython's shell where its front end is a notebook, else None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell if hasattr(shell, "kernel") else None


@contextlib.contextmanager
def _notebook_bar(shell: Any, label: str) -> Iterator[OnDone]:
    """Yield as `bar`. rich's own bar in a notebook needs the package ipywidgets; the browser draws this one."""
    publish, id = shell.display_pub.publish, {"display_id": f"bnlab-{time.monotonic_ns()}"}
    drawn: float | None = None

    def move(done: int, total: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if drawn is None or now - drawn >= LEAST_SECONDS:
            share = f"{done / max(total, 1):.0%}"
            page = f'{html.escape(label)} <progress value="{done}" max="{total}">{share}</progress> {share}'
            publish({"text/plain": f"{label} {share}", "text/html": page}, transient=id, update=drawn is not None)
            drawn = now

    try:
        yield move
    finally:
        if drawn is not None:
            publish({"text/plain": "", "text/html": ""}, transient=id, update=True)
