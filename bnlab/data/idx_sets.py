"""MNIST and the sets of its form, as a table: find, fetch and verify their files.

bnlab looks for each of the four .gz files in this order: the folder of the set's name in `$BNLAB_DATA_DIR` (for MNIST first
that folder itself), and the folder of that name in bnlab's cache (`$BNLAB_CACHE_DIR`, else the user's cache folder). A file
that is in none of these folders is fetched into the cache from the mirrors (`$BNLAB_MNIST_MIRRORS` and so on,
comma-separated, else those of the table). The first file found is used. If it is damaged, even in the cache, this is an
error, and no later folder is tried.

Decompressing takes most of the time, so the cache also keeps the decompressed bytes where their SHA-256 is known. Nothing is
ever written into the user's own data folder. The name of a decompressed copy identifies its .gz file and the state of that
file, so a .gz that changes later is read again. Each load checks the SHA-256 of the copy. A copy that is damaged, missing or
not writable only costs time.

Source: read_data_sets of TensorFlow 1.x for the split and the scaling.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bnlab import files
from bnlab.data.dataset import Dataset, FileStatus, Split
from bnlab.data.download import DownloadError, download
from bnlab.data.idx import DamagedError, IdxFile
from bnlab.errors import UserError
from bnlab.options import DataName

VALID_ROWS = 5000

_MEND = "put a whole copy in its place, or delete it: bnlab then looks in the other folders, or fetches it"


def idx_files(digest_of: Literal["values", "gz"], *sha256: str) -> tuple[IdxFile, ...]:
    """Return the four files of a set: training images, training labels, test images, test labels."""
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    shapes = ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))
    return tuple(
        IdxFile(f"{name}-ubyte.gz", shape, digest, digest_of)
        for name, shape, digest in zip(names, shapes, sha256, strict=True)
    )


@dataclass(frozen=True)
class IdxSet:
    """A set of 28x28 images of 10 classes, in MNIST's files.

    words: its name in a sentence. mirrors: addresses of the folder of its files. at_top: whether its files may lie in
    `$BNLAB_DATA_DIR` itself; the files of all sets have the same names, so only one set may.
    """

    name: DataName
    words: str
    files: Sequence[IdxFile]
    mirrors: Sequence[str]
    at_top: bool = False

    def load(self) -> Dataset:
        """Return 55,000 training, 5,000 validation and 10,000 test rows. Fetches the files that are missing.

        `raw` holds the pixels, uint8 [rows, 784]. The validation rows are the *first* 5,000 rows of the training files.

        Raises: UserError where a file is damaged, or is missing and cannot be fetched.
        """
        train_images, train_labels, test_images, test_labels = (array for _, array in self._obtain())
        pixels, targets = _rows(train_images), train_labels.astype(np.int32)
        return Dataset(
            self.name,
            train=Split(pixels[VALID_ROWS:], targets[VALID_ROWS:]),
            valid=Split(pixels[:VALID_ROWS], targets[:VALID_ROWS]),
            test=Split(_rows(test_images), test_labels.astype(np.int32)),
            num_classes=10,
        )

    def fetch(self) -> list[Path]:
        """Fetch the missing files, verify all four, and return their paths.

        Raises: UserError, as `load`.
        """
        return [path for path, _ in self._obtain()]

    def status(self) -> list[FileStatus]:
        """Return a record for each of the four files. Reads the .gz files, not their copies, and writes nothing."""
        return [self._file_status(file) for file in self.files]

    def folders(self) -> list[Path]:
        """Return the folders where bnlab looks for a file, in order."""
        given = os.environ.get("BNLAB_DATA_DIR")
        root = files.expanded(given, "BNLAB_DATA_DIR") if given else None
        own = [*([root] if self.at_top else []), root / self.name] if root else []
        return [*own, self._cache_folder]

    def addresses(self) -> list[str]:
        """Return the addresses from which bnlab fetches files, in order."""
        given = os.environ.get(self.mirrors_variable) or ",".join(self.mirrors)
        return [f"{mirror.strip().rstrip('/')}/" for mirror in given.split(",") if mirror.strip()]

    @property
    def mirrors_variable(self) -> str:
        """The environment variable that names other mirrors."""
        return f"BNLAB_{self.name.upper()}_MIRRORS"

    @property
    def _cache_folder(self) -> Path:
        return files.cache_root() / self.name

    def _obtain(self) -> Iterator[tuple[Path, np.ndarray]]:
        addresses = self.addresses()
        for file in self.files:
            path = self._locate(file) or self._fetch(file, addresses)
            yield path, self._read(file, path)

    def _locate(self, file: IdxFile) -> Path | None:
        for folder in self.folders():
            path = folder / file.name
            try:
                if path.is_file():
                    return path
            except OSError as error:  # no permission to enter the folder: skipping it would hide its files
                raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
        return None

    def _read(self, file: IdxFile, path: Path) -> np.ndarray:
        stem, keeps_copy = path.stem, file.digest_of == "values"
        try:
            copy = self._cache_folder / f"{stem}.{_fingerprint(path)}.raw"
            if keeps_copy:
                with contextlib.suppress(OSError, DamagedError):
                    return file.parse(copy.read_bytes())
            raw, array = file.read(path.read_bytes())
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
        except DamagedError as error:
            raise UserError(f"{path}: {error}; {_MEND}") from None

        if keeps_copy:
            with contextlib.suppress(OSError):
                for stale in copy.parent.glob(f"{stem}.*.raw"):
                    stale.unlink()
                files.write_atomically(copy, raw)
        return array

    def _fetch(self, file: IdxFile, addresses: list[str]) -> Path:
        failures = []
        for address in addresses:
            url = address + file.name
            try:
                data = download(url, label=file.name)
                file.read(data)
            except (DownloadError, DamagedError) as error:
                failures.append(f"{url}: {error}")
                continue
            addresses.sort(key=lambda other: other != address)  # the next file first tries the address that worked
            path = self._cache_folder / file.name
            try:
                files.write_atomically(path, data)
            except OSError as error:
                reason = error.strerror or error
                raise UserError(f"{path}: cannot be written: {reason}; set BNLAB_CACHE_DIR to a folder that can") from None
            return path

        place = "a folder" if self.at_top else f"a folder {self.name}"
        named = "it" if self.at_top else "the folder above it"
        raise UserError(
            "\n".join(
                [
                    f"{self.name}: {file.name} is missing and could not be fetched",
                    *(f"  looked in {folder}" for folder in self.folders()),
                    *(f"  tried {failure}" for failure in failures),
                    f"  put {self.words}'s four .gz files in {place} and name {named} by BNLAB_DATA_DIR, "
                    "or set data.name to digits, which needs no network",
                ]
            )
        )

    def _file_status(self, file: IdxFile) -> FileStatus:
        path = None
        try:
            path = self._locate(file)
            if path is None:
                looked = ", ".join(map(str, self.folders()))
                return FileStatus(self.name, file.name, None, "missing", f"looked in {looked}")
            file.read(path.read_bytes())
        except OSError as error:
            return FileStatus(self.name, file.name, path, "damaged", f"cannot be read: {error.strerror or error}")
        except (DamagedError, UserError) as error:
            return FileStatus(self.name, file.name, path, "damaged", str(error))
        return FileStatus(self.name, file.name, path, "whole", "")


def _rows(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def _fingerprint(path: Path) -> str:
    # A program can set st_mtime_ns (of the content) back, but not st_ctime_ns (of the file's status).
    state = path.stat()
    key = f"{path.resolve()}:{state.st_size}:{state.st_mtime_ns}:{state.st_ctime_ns}"
    return hashlib.sha256(os.fsencode(key)).hexdigest()[:16]


MNIST = IdxSet(
    "mnist",
    "MNIST",
    idx_files(
        "values",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    at_top=True,
)

# The sums are those of TensorFlow Datasets (url_checksums/fashion_mnist.txt, kmnist.txt), which agree with torchvision's.
FASHION_MNIST = IdxSet(
    "fashion_mnist",
    "Fashion-MNIST",
    idx_files(
        "gz",
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
)

KMNIST = IdxSet(
    "kmnist",
    "KMNIST",
    idx_files(
        "gz",
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    ),
    ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
)

SETS = (MNIST, FASHION_MNIST, KMNIST)
