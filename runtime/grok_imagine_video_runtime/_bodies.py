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


def decoded(headers: httpx.Headers, content: bytes, max_size: int) -> bytes:
    """Decompress a whole body if it can be; an error if it is too large or malformed."""
    decoder, whole = Decoder(headers), bytearray()
    for piece in decoder.feed(content):
        whole += piece
        if len(whole) > max_size:
            raise TooLargeError(max_size)
    decoder.finish()
    return bytes(whole)


class Decoder:
    """Decompresses a body as it arrives; one that cannot be decompressed stays as it is.

    Attributes:
        why_unreadable: Why it cannot be decompressed, or "".
    """

    def __init__(self, headers: httpx.Headers) -> None:
        names = headers.get_list("content-encoding", split_commas=True)
        coding = ", ".join(name for name in map(str.lower, names) if name in _COMPRESSED)
        is_readable = not coding or coding in _READABLE
        self.why_unreadable = "" if is_readable else f"the body is compressed with {coding}"
        self._coding = coding
        self._stream: Any = None
        self._head = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The next pieces of the body; an error if it is not compressed as its headers say."""
        if self._coding not in _READABLE:
            yield chunk
            return
        try:
            yield from self._decompressed(self._head + chunk)
        except zlib.error as error:
            msg = f"the body is not {self._coding}: {error}"
            raise httpx.DecodingError(msg) from error

    def _decompressed(self, data: bytes) -> Iterator[bytes]:
        self._head = b""
        while data:
            if self._stream is None or self._stream.eof:
                if self._stream is not None and self._coding == "deflate":
                    raise zlib.error("there is more after its end")
                if len(data) < 2:  # too few to tell whether there is a header
                    self._head = data
                    return
                self._stream = zlib.decompressobj(self._window_bits(data))
            is_full = True
            while is_full or self._stream.unconsumed_tail:
                piece = self._stream.decompress(data, _MAX_PIECE)
                data = self._stream.unconsumed_tail
                is_full = len(piece) == _MAX_PIECE  # there may be more of what was taken in
                yield piece
            data = self._stream.unused_data

    def _window_bits(self, data: bytes) -> int:
        """The `wbits` of `zlib` for gzip, and for deflate with or without a header (RFC 1950)."""
        if self._coding != "deflate":
            return 31
        has_header = data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0
        return 15 if has_header else -15

    def finish(self) -> None:
        """Raise an error if the body is not whole."""
        is_whole = self._stream is None or self._stream.eof
        if not is_whole or self._head:
            msg = f"the body ends before its {self._coding} does"
            raise httpx.DecodingError(msg)
