"""The text of a landed file as UTF-8, in pieces: expanded, transcoded, without a byte-order mark.

The landed bytes stay as received; what is made here lives in memory only. Lines and byte offsets
in reports are those of this text; for a plain UTF-8 file they are the file's own.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from recomart.errors import SourceError, SourceMissing

PIECE_BYTES = 4 << 20
GZIP_FREE_BYTES = 256 << 20
GZIP_RATIO = 200
"""A gzip file may expand to GZIP_FREE_BYTES, and beyond that to GZIP_RATIO times its own size.

Text compresses 3 to 50 times; a gzip bomb a thousand times.
"""

_IS_BROKEN = "recomart-broken"
_BOM = codecs.BOM_UTF8
_FOREIGN_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF32_BE: "utf-32",
}
_NO_TEXT = {
    b"PAR1\x15": ("Parquet", "set format: parquet"),
    b"PK\x03\x04": ("a zip archive or an Excel workbook", "unpack it, or save the sheet as CSV"),
    b"\x1f\x8b": ("gzip", "give it the ending .gz"),
}
"""The first bytes of what is often mistaken for text -> what it is, and what to do."""


def is_utf8(encoding: str) -> bool:
    """Whether the declared encoding needs no transcoding.

    Raises:
        LookupError: Python has no such text encoding.
    """
    "".encode(encoding)  # refuses rot13 and base64, which are not text encodings
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def pieces(path: Path, encoding: str, size: int = PIECE_BYTES) -> Iterator[bytes]:
    """The text of `path` as UTF-8 bytes, about `size` at a time, cut anywhere.

    Bytes that the declared encoding cannot hold come out as bytes that are not UTF-8, so that
    the line which has them is rejected, and no other.

    Raises:
        SourceMissing: the file is empty or cannot be read.
        SourceError: broken gzip, more text than a file of this size should hold, or not text.
    """
    with reading(path), open(path, "rb") as handle:
        raw = _expanded(path, handle, size) if path.suffix == ".gz" else _plain(handle, size)
        raw = _of_text(path, raw)
        yield from _without_mark(path, raw if is_utf8(encoding) else _utf8(path, raw, encoding))


def _of_text(path: Path, raw: Iterator[bytes]) -> Iterator[bytes]:
    first = next(raw, b"")
    for start, (what, help) in _NO_TEXT.items():
        if first.startswith(start):
            raise SourceError(
                f"{path.name} is not text but {what}",
                code="wrong-format",
                where=str(path),
                found=f"it begins with {start!r}",
                help=help,
            )
    yield first
    yield from raw


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Errors of reading a file, as errors that say what to do.

    Raises:
        SourceError: a gzip file is torn, or is not gzip.
        SourceMissing: the file cannot be read.
    """
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
        raise SourceError(
            f"{path.name} is not a whole gzip file",
            code="broken-gzip",
            found=str(exc),
            help="fetch the file again, or drop the ending .gz if it is not compressed",
        ) from exc
    except OSError as exc:
        raise SourceMissing(
            f"{path.name} cannot be read", where=str(path), found=exc.strerror or str(exc)
        ) from exc


def _plain(handle: BinaryIO, size: int) -> Iterator[bytes]:
    while piece := handle.read(size):
        yield piece


def _expanded(path: Path, handle: BinaryIO, size: int) -> Iterator[bytes]:
    cap = max(GZIP_FREE_BYTES, GZIP_RATIO * path.stat().st_size)
    done = 0
    with gzip.open(handle, "rb") as expanded:
        while piece := expanded.read(size):
            done += len(piece)
            if done > cap:
                raise SourceError(
                    f"{path.name} expands to more than {cap:,} bytes",
                    code="gzip-bomb",
                    found=f"{path.stat().st_size:,} bytes as gzip",
                    help="if this is meant, give the file uncompressed",
                )
            yield piece


def _utf8(path: Path, raw: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    codecs.register_error(_IS_BROKEN, _as_broken)
    decoder = codecs.getincrementaldecoder(encoding)(errors=_IS_BROKEN)
    try:
        for piece in raw:
            yield decoder.decode(piece).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
    except UnicodeError as exc:
        # a missing mark is the only fault that concerns more than the bytes at one place
        raise SourceError(
            f"{path.name} cannot be read as {encoding}",
            code="wrong-encoding",
            where=str(path),
            found=str(exc),
            help=f"declare the encoding that it has: {encoding}-le and {encoding}-be need no "
            "byte-order mark, and utf-8 is the most usual one",
        ) from exc


def _as_broken(exc: UnicodeError) -> tuple[str, int]:
    """Stand-in for bytes that an encoding cannot hold: half of a pair, which no UTF-8 has.

    `surrogateescape` will not do: it refuses bytes below 0x80, of which a torn UTF-16 may consist,
    and takes UTF-32 out of step.
    """
    assert isinstance(exc, UnicodeDecodeError), "only decoders call it"
    return "\udcff", exc.end


def _without_mark(path: Path, text: Iterator[bytes]) -> Iterator[bytes]:
    first = next((piece for piece in text if piece), b"")
    if not first:
        raise SourceMissing(
            f"{path.name} is empty",
            code="empty-file",
            where=str(path),
            found="0 bytes",
            help="deliver the file again; an empty table still has a header",
        )
    for mark, name in _FOREIGN_MARKS.items():
        if first.startswith(mark):
            raise SourceError(
                f"{path.name} is not UTF-8 but {name}",
                code="wrong-encoding",
                where=str(path),
                found=f"it begins with the byte-order mark {mark.hex(' ')}",
                help=f"declare encoding: {name}",
            )
    yield first.removeprefix(_BOM)
    yield from text
