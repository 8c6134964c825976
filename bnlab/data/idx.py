"""The file format of MNIST: IDX in a gzip stream, with checks of each part.

IDX is big-endian: a magic number of four bytes (two zeros, 0x08 for unsigned bytes, the number of
dimensions), four bytes for the size of each dimension, then the values, last dimension fastest.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

import gzip
import hashlib
import math
import struct
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

_UNSIGNED_BYTES = 0x0800


class DamagedError(ValueError):
    """The bytes are not the expected file; the message is "got …, expected …"."""


@dataclass(frozen=True)
class IdxFile:
    """What a file must be: its name, the shape of its array, and a SHA-256.

    digest_of: what the SHA-256 is taken of. "values" are the decompressed bytes: the same data may be compressed in different
    ways. "gz" is the compressed file, where only that sum was published: then no other compression of the data is accepted.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str
    digest_of: Literal["values", "gz"] = "values"

    def read(self, compressed: bytes) -> tuple[bytes, np.ndarray]:
        """Return the IDX bytes in a .gz file and their array, both verified.

        Raises: DamagedError where `decompress` or `parse` does, or the .gz file has another SHA-256.
        """
        raw = self.decompress(compressed)
        array = self.parse(raw)
        if self.digest_of == "gz" and (digest := hashlib.sha256(compressed).hexdigest()) != self.sha256:
            raise DamagedError(f"got another .gz file (SHA-256 {digest}), expected SHA-256 {self.sha256}")
        return raw, array

    def decompress(self, compressed: bytes) -> bytes:
        """Return the IDX bytes in a gzip stream.

        Raises: DamagedError where the bytes are not a gzip stream, or the stream ends too early.
        """
        try:
            return gzip.decompress(compressed)
        except EOFError:
            raise DamagedError("got a gzip stream that ends too early, expected a whole one") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DamagedError(f"got no readable gzip stream ({error}), expected one") from None

    def parse(self, raw: bytes) -> np.ndarray:
        """Return the uint8 array in IDX bytes, as a read-only view of them.

        The checks are, in order: magic number, dimensions, length, SHA-256 (where it is that of the values). The first three
        give clearer messages.

        Raises: DamagedError at the first check that fails.
        """
        header = struct.Struct(f">{1 + len(self.shape)}I")
        if len(raw) < header.size:
            raise DamagedError(f"got {len(raw)} bytes, expected an IDX header of {header.size}")
        magic, *shape = header.unpack_from(raw)
        expected_magic = _UNSIGNED_BYTES + len(self.shape)
        if magic != expected_magic:
            raise DamagedError(f"got magic number {magic:#010x}, expected {expected_magic:#010x}")
        if tuple(shape) != self.shape:
            raise DamagedError(f"got dimensions {_times(shape)}, expected {_times(self.shape)}")
        values = len(raw) - header.size
        if values != math.prod(self.shape):
            raise DamagedError(f"got {values} values after the header, expected {math.prod(self.shape)}")
        if self.digest_of == "values" and (digest := hashlib.sha256(raw).hexdigest()) != self.sha256:
            raise DamagedError(f"got altered values (SHA-256 {digest}), expected SHA-256 {self.sha256}")
        return np.frombuffer(raw, np.uint8, offset=header.size).reshape(self.shape)


def _times(shape: tuple[int, ...] | list[int]) -> str:
    return " x ".join(map(str, shape))
