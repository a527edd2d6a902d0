# Do not edit: copied from runtime/_bodies.py, whatever the spec says.
# To change it, edit runtime/_bodies.py and run: make generate
"""Bodies of responses: whether they are compressed, and decompressing them within bounds."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

import httpx

# As httpx has it, any other name, such as `aws-chunked` or `utf-8`, means not compressed.
_READABLE = ("gzip", "x-gzip", "deflate")
_COMPRESSED = (*_READABLE, "br", "zstd", "compress", "x-compress")

# Bytes that are decompressed at once.
_MAX_PIECE = 1_048_576


class Received:
    """A response with its whole body, decompressed; that of httpx would keep its stream in memory.

    Attributes:
        request: The request that it is the response to.
        status_code: The status, 100 to 999.
        headers: The headers.
        content: The body.
        next_request: The request that a redirect leads to; None if it is none, or leads to no URL.
        why_unreadable: Why the body is still compressed; "" if it is not.
    """

    def __init__(
        self,
        request: httpx.Request,
        status_code: int,
        headers: httpx.Headers,
        content: bytes = b"",
        next_request: httpx.Request | None = None,
    ) -> None:
        self.request = request
        self.status_code = status_code
        self.headers = headers
        self.content = content
        self.next_request = next_request
        self.why_unreadable = ""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status_code <= 299

    @property
    def text(self) -> str:
        """The body as a text, in the encoding that the headers name."""
        kind = {"Content-Type": self.headers.get("content-type", "")}
        return httpx.Response(self.status_code, headers=kind, content=self.content).text

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)


class TooLargeError(Exception):
    """A body is larger than the client allows."""


def too_large(max_size: int) -> TooLargeError:
    """The error for a body of more than `max_size` bytes."""
    return TooLargeError(f"it has more than {max_size} bytes, the client's max_response_size")


def _coding(headers: httpx.Headers) -> str:
    """How a body is compressed: "" if it is not, and several names if it is more than once."""
    names = headers.get_list("content-encoding", split_commas=True)
    return ", ".join(name for name in map(str.lower, names) if name in _COMPRESSED)


def why_unreadable(headers: httpx.Headers) -> str:
    """Why a body stays as it came; "" if it can be decompressed, or is not compressed."""
    coding = _coding(headers)
    return f"the body is compressed with {coding}" if coding and coding not in _READABLE else ""


def decoded(headers: httpx.Headers, content: bytes, max_size: int) -> bytes:
    """A whole body, decompressed if it can be.

    Raises:
        TooLargeError: It has more than `max_size` bytes.
        httpx.DecodingError: It is not what its headers say, or it ends too early.
    """
    if "content-encoding" not in headers:
        return content
    decoder, whole = Decoder(headers), bytearray()
    for piece in decoder.feed(content):
        whole += piece
        if len(whole) > max_size:
            raise too_large(max_size)
    decoder.finish()
    return bytes(whole)


class Decoder:
    """Decompresses a body as it arrives.

    Attributes:
        is_needed: Whether it does so: the body is compressed, and can be decompressed.
    """

    def __init__(self, headers: httpx.Headers) -> None:
        coding = _coding(headers)
        self._coding = coding
        self.is_needed = coding in _READABLE
        self._stream: Any = None
        self._head = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The next pieces of the body.

        Raises:
            httpx.DecodingError: It is not what its headers say.
        """
        if not self.is_needed:
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
                if len(data) < 2:  # too few to tell which kind it is
                    self._head = data
                    return
                self._stream = zlib.decompressobj(self._kind(data))
            is_full = True
            while is_full or self._stream.unconsumed_tail:
                piece = self._stream.decompress(data, _MAX_PIECE)
                data = self._stream.unconsumed_tail
                is_full = len(piece) == _MAX_PIECE  # there may be more of what was taken in
                yield piece
            data = self._stream.unused_data

    def _kind(self, data: bytes) -> int:
        """What `zlib` calls gzip, and deflate with the header of RFC 1950 or without it."""
        if self._coding != "deflate":
            return 31
        has_header = data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0
        return 15 if has_header else -15

    def finish(self) -> None:
        """Make sure that the body is whole.

        Raises:
            httpx.DecodingError: It ends too early.
        """
        is_whole = self._stream is None or self._stream.eof
        if not is_whole or self._head:
            msg = f"the body ends before its {self._coding} does"
            raise httpx.DecodingError(msg)
