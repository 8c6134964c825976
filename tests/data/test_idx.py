"""Each way a file can be wrong, on a file of two images of 1x3 pixels."""

import gzip
import hashlib

import numpy as np
import pytest

from bnlab.data.idx import DamagedError, IdxFile

RAW = bytes.fromhex("00000803 00000002 00000001 00000003 000102 0304ff")
SHA256 = hashlib.sha256(RAW).hexdigest()
FILE = IdxFile("two.gz", (2, 1, 3), SHA256)


def message(raw: bytes) -> str:
    with pytest.raises(DamagedError) as caught:
        FILE.parse(raw)
    return str(caught.value)


def test_whole():
    np.testing.assert_array_equal(FILE.parse(FILE.decompress(gzip.compress(RAW))), [[[0, 1, 2]], [[3, 4, 255]]])


@pytest.mark.parametrize("level", [1, 9])
def test_compression_does_not_matter(level):
    assert FILE.decompress(gzip.compress(RAW, level)) == RAW


def test_wrong_magic_number():
    assert message(b"\0\0\x08\x01" + RAW[4:]) == "got magic number 0x00000801, expected 0x00000803"


def test_wrong_magic_number_comes_before_all_else():
    assert message(b"\0\0\x0d\x03" + RAW[4:-1]) == "got magic number 0x00000d03, expected 0x00000803"


def test_wrong_count():
    raw = RAW[:4] + b"\0\0\0\x03" + RAW[8:]
    assert message(raw) == "got dimensions 3 x 1 x 3, expected 2 x 1 x 3"


def test_truncated_values():
    assert message(RAW[:-1]) == "got 5 values after the header, expected 6"


def test_too_many_values():
    assert message(RAW + b"\0") == "got 7 values after the header, expected 6"


@pytest.mark.parametrize("size", [0, 4, 15])
def test_truncated_header(size):
    assert message(RAW[:size]) == f"got {size} bytes, expected an IDX header of 16"


def test_altered_values():
    raw = RAW[:-1] + b"\xfe"
    digest = hashlib.sha256(raw).hexdigest()
    assert message(raw) == f"got altered values (SHA-256 {digest}), expected SHA-256 {SHA256}"


def test_truncated_gzip():
    with pytest.raises(DamagedError) as caught:
        FILE.decompress(gzip.compress(RAW)[:-5])
    assert str(caught.value) == "got a gzip stream that ends too early, expected a whole one"


def test_no_gzip():
    with pytest.raises(DamagedError) as caught:
        FILE.decompress(b"<html>moved</html>")
    assert str(caught.value) == ("got no readable gzip stream (Not a gzipped file (b'<h')), expected one")


@pytest.mark.parametrize("place", [10, 12, -6])
def test_altered_gzip(place):
    compressed = bytearray(gzip.compress(RAW))
    compressed[place] ^= 0xFF
    with pytest.raises(DamagedError, match=r"^got (no readable gzip stream|a gzip stream that ends)"):
        FILE.decompress(bytes(compressed))
