"""Download the bytes of one address, with a progress bar on a terminal."""

import sys

TIMEOUT = 20.0
"""Seconds without an answer, or without a further byte, after which an address counts as failed."""

_CHUNK = 1 << 16


class DownloadError(Exception):
    """A failed download; the message is the short reason."""


def download(url: str, label: str) -> bytes:
    """Return the bytes that `url` serves.

    They stay in memory (MNIST's largest file has 10 MB), so that no unverified file reaches the disk.

    Raises: DownloadError.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import urlopen

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        with (
            urlopen(url, timeout=TIMEOUT) as response,
            Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress,
        ):
            length = response.headers.get("Content-Length")
            reader = progress.wrap_file(response, total=int(length) if length else None, description=label)
            return b"".join(iter(lambda: reader.read(_CHUNK), b""))
    except HTTPError as error:
        error.close()
        raise DownloadError(f"HTTP {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:  # ValueError: `url` is not an address
        cause = getattr(error, "reason", error)  # urllib wraps the socket's error
        raise DownloadError(str(getattr(cause, "strerror", None) or cause)) from None
