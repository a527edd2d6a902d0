"""Decompressing the bodies of responses, within bounds."""

import zlib
from collections.abc import Iterator
from typing import Any

import httpx

# Any other coding, such as `aws-chunked` or `utf-8`, means not compressed, as in httpx.
_READABLE = ("gzip", "x-gzip", "deflate")
_COMPRESSED = (*_READABLE, "br", "zstd", "compress", "x-compress")

# Bytes that are decompressed at once.
_MAX_PIECE = 1_048_576


class TooLargeError(Exception):
    """A body is larger than the client allows."""

    def __init__(self, max_size: int) -> None:
        super().__init__(f"it has more than {max_size} bytes, the client's max_response_size")


class Decoder:
    """Decompresses a body as it arrives; one that cannot be decompressed stays as it is.

    Attributes:
        coding: How it is compressed, or "".
        why_unreadable: Why it cannot be decompressed, or "".
    """

    def __init__(self, headers: httpx.Headers) -> None:
        names = headers.get_list("content-encoding", split_commas=True)
        self.coding = ", ".join(name for name in map(str.lower, names) if name in _COMPRESSED)
        self._stream: Any = None
        is_readable = not self.coding or self.coding in _READABLE
        self.why_unreadable = "" if is_readable else f"the body is compressed with {self.coding}"

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The next pieces of the body; an error if it is not compressed as its headers say."""
        if self.coding not in _READABLE or not chunk:
            yield chunk
            return
        self._stream = self._stream or zlib.decompressobj(wbits=47)  # of gzip and of zlib
        is_full = True
        while chunk or is_full:
            try:
                piece = self._stream.decompress(chunk, _MAX_PIECE)
            except zlib.error as error:
                msg = f"the body is not {self.coding}: {error}"
                raise httpx.DecodingError(msg) from error
            chunk, is_full = self._stream.unconsumed_tail, len(piece) == _MAX_PIECE
            yield piece

    def finish(self) -> None:
        """Raise an error if the body is not whole, or goes on after its end."""
        if self._stream is not None and (not self._stream.eof or self._stream.unused_data):
            msg = f"the body is not one whole {self.coding}"
            raise httpx.DecodingError(msg)

    def whole(self, content: bytes, max_size: int) -> bytes:
        """Decompress a whole body; an error if it is too large or malformed."""
        whole = bytearray()
        for piece in self.feed(content):
            whole += piece
            if len(whole) > max_size:
                raise TooLargeError(max_size)
        self.finish()
        return bytes(whole)
