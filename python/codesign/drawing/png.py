# SPDX-License-Identifier: Apache-2.0
"""A palette image as PNG (ISO/IEC 15948), which is zlib and a few checksums."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt


def palette_png(pixels: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    """Pixels uint8 (rows, columns) of indices into palette uint8 (≤256, 3) of RGB → the bytes of a PNG file.

    Raises:
        ValueError: an empty image, or an index that the palette does not have.
    """
    if pixels.ndim != 2 or pixels.size == 0 or palette.ndim != 2 or palette.shape[1] != 3:
        raise ValueError(f"pixels of shape {pixels.shape}, palette of shape {palette.shape}")
    if int(pixels.max()) >= len(palette):
        raise ValueError(f"index {int(pixels.max())} is not in a palette of {len(palette)}")
    rows, columns = pixels.shape
    filtered = np.concatenate([np.zeros((rows, 1), np.uint8), pixels], axis=1)  # filter type 0 in front of every row
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    data = zlib.compress(filtered.tobytes(), 9)
    chunks = (("IHDR", header), ("PLTE", palette.astype(np.uint8).tobytes()), ("IDAT", data), ("IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name.encode("ascii"), content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
