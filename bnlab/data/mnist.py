"""MNIST: find, fetch and verify its files.

bnlab looks for each of the four .gz files in this order: `$BNLAB_DATA_DIR`, the `mnist` folder in it, and `mnist` in bnlab's
cache (`$BNLAB_CACHE_DIR`, else the user's cache folder). A file that is in none of these folders is fetched into the cache
from the mirrors (`$BNLAB_MNIST_MIRRORS`, comma-separated, else `MIRRORS`). The first file found is used. If it is damaged,
even in the cache, this is an error, and no later folder is tried.

Decompressing takes most of the time, so the cache also keeps the decompressed bytes. Nothing is ever written into the user's
own data folder. The name of a decompressed copy identifies its .gz file and the state of that file, so a .gz that changes
later is read again. Each load checks the SHA-256 of the copy. A copy that is damaged, missing or not writable only costs
time.

Source: read_data_sets of TensorFlow 1.x for the split and the scaling.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bnlab import files
from bnlab.data.dataset import Dataset, FileStatus, Split
from bnlab.data.download import DownloadError, download
from bnlab.data.idx import DamagedError, IdxFile
from bnlab.errors import UserError

FILES = (
    IdxFile(
        "train-images-idx3-ubyte.gz",
        (60000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    IdxFile(
        "train-labels-idx1-ubyte.gz",
        (60000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    IdxFile(
        "t10k-images-idx3-ubyte.gz",
        (10000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    IdxFile(
        "t10k-labels-idx1-ubyte.gz",
        (10000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

VALID_ROWS = 5000

_MEND = "put a whole copy in its place, or delete it: bnlab then looks in the other folders, or fetches it"
_LACK = (
    "put MNIST's four .gz files in a folder and name it by BNLAB_DATA_DIR, or set data.name to digits, which needs no network"
)


def load() -> Dataset:
    """Return MNIST: 55,000 training, 5,000 validation and 10,000 test rows. Fetches the files that are missing.

    `raw` holds the pixels, uint8 [rows, 784]. The validation rows are the *first* 5,000 rows of the training files.

    Raises: UserError where a file is damaged, or is missing and cannot be fetched.
    """
    train_images, train_labels, test_images, test_labels = (array for _, array in _obtain())
    pixels, targets = _rows(train_images), train_labels.astype(np.int32)
    return Dataset(
        "mnist",
        train=Split(pixels[VALID_ROWS:], targets[VALID_ROWS:]),
        valid=Split(pixels[:VALID_ROWS], targets[:VALID_ROWS]),
        test=Split(_rows(test_images), test_labels.astype(np.int32)),
        num_classes=10,
    )


def fetch() -> list[Path]:
    """Fetch the missing files, verify all four, and return their paths.

    Raises: UserError, as `load`.
    """
    return [path for path, _ in _obtain()]


def status() -> list[FileStatus]:
    """Return a record for each of the four files. Reads the .gz files, not their copies, and writes nothing."""
    return [_file_status(file) for file in FILES]


def folders() -> list[Path]:
    """Return the folders where bnlab looks for a file, in order."""
    given = os.environ.get("BNLAB_DATA_DIR")
    own = [Path(given).expanduser(), Path(given).expanduser() / "mnist"] if given else []
    return [*own, _cache_folder()]


def mirrors() -> list[str]:
    """Return the addresses from which bnlab fetches files, in order."""
    given = os.environ.get("BNLAB_MNIST_MIRRORS") or ",".join(MIRRORS)
    return [f"{mirror.strip().rstrip('/')}/" for mirror in given.split(",") if mirror.strip()]


def _cache_folder() -> Path:
    return files.cache_root() / "mnist"


def _rows(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def _obtain() -> Iterator[tuple[Path, np.ndarray]]:
    addresses = mirrors()
    for file in FILES:
        path = _locate(file) or _fetch(file, addresses)
        yield path, _read(file, path)


def _locate(file: IdxFile) -> Path | None:
    for folder in folders():
        path = folder / file.name
        try:
            if path.is_file():
                return path
        except OSError as error:  # no permission to enter the folder: skipping it would hide its files
            raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    return None


def _read(file: IdxFile, path: Path) -> np.ndarray:
    stem = path.stem
    try:
        copy = _cache_folder() / f"{stem}.{_fingerprint(path)}.raw"
        with contextlib.suppress(OSError, DamagedError):
            return file.parse(copy.read_bytes())
        raw = file.decompress(path.read_bytes())
        array = file.parse(raw)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    except DamagedError as error:
        raise UserError(f"{path}: {error}; {_MEND}") from None

    with contextlib.suppress(OSError):
        for stale in copy.parent.glob(f"{stem}.*.raw"):
            stale.unlink()
        files.write_atomically(copy, raw)
    return array


def _fingerprint(path: Path) -> str:
    # A program can set st_mtime_ns (of the content) back, but not st_ctime_ns (of the file's status).
    state = path.stat()
    key = f"{path.resolve()}:{state.st_size}:{state.st_mtime_ns}:{state.st_ctime_ns}"
    return hashlib.sha256(os.fsencode(key)).hexdigest()[:16]


def _fetch(file: IdxFile, addresses: list[str]) -> Path:
    failures = []
    for address in addresses:
        url = address + file.name
        try:
            data = download(url, label=file.name)
            file.parse(file.decompress(data))
        except (DownloadError, DamagedError) as error:
            failures.append(f"{url}: {error}")
            continue
        addresses.sort(key=lambda other: other != address)  # the next file first tries the address that worked
        path = _cache_folder() / file.name
        try:
            files.write_atomically(path, data)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"{path}: cannot be written: {reason}; set BNLAB_CACHE_DIR to a folder that can") from None
        return path

    raise UserError(
        "\n".join(
            [
                f"mnist: {file.name} is missing and could not be fetched",
                *(f"  looked in {folder}" for folder in folders()),
                *(f"  tried {failure}" for failure in failures),
                f"  {_LACK}",
            ]
        )
    )


def _file_status(file: IdxFile) -> FileStatus:
    path = None
    try:
        path = _locate(file)
        if path is None:
            looked = ", ".join(map(str, folders()))
            return FileStatus("mnist", file.name, None, "missing", f"looked in {looked}")
        file.parse(file.decompress(path.read_bytes()))
    except OSError as error:
        return FileStatus("mnist", file.name, path, "damaged", f"cannot be read: {error.strerror or error}")
    except (DamagedError, UserError) as error:
        return FileStatus("mnist", file.name, path, "damaged", str(error))
    return FileStatus("mnist", file.name, path, "whole", "")
