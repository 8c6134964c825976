"""MNIST's file format: IDX in a gzip stream, with checks of each part.

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

import numpy as np

_UNSIGNED_BYTES = 0x0800


class DamagedError(ValueError):
    """The bytes are not the expected file; the message is "got …, expected …"."""


@dataclass(frozen=True)
class IdxFile:
    """What a file must be: its name, the shape of its array, the SHA-256 of its decompressed bytes.

    The digest is not taken of the .gz, because the same data may be compressed in different ways.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str

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

        The checks are, in order: magic number, dimensions, length, SHA-256. The first three give clearer messages.

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
        digest = hashlib.sha256(raw).hexdigest()
        if digest != self.sha256:
            raise DamagedError(f"got altered values (SHA-256 {digest}), expected SHA-256 {self.sha256}")
        return np.frombuffer(raw, np.uint8, offset=header.size).reshape(self.shape)


def _times(shape: tuple[int, ...] | list[int]) -> str:
    return " x ".join(map(str, shape))
