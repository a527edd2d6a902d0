"""Decompressing the bodies of responses, within bounds."""

import httpx

# Bytes that are decompressed at once: gzip makes at most a thousand times as many of them.
_PIECE = 16_384


class TooLargeError(Exception):
    """A body is larger than the client allows."""

    def __init__(self, max_size: int) -> None:
        super().__init__(f"it has more than {max_size} bytes, the client's max_response_size")


def decoded(headers: httpx.Headers, content: bytes, max_size: int) -> bytes:
    """Decompress a body as httpx does, which leaves codings that it does not know as they are."""
    pieces = (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))
    whole = bytearray()
    for piece in httpx.Response(200, headers=headers, content=pieces).iter_bytes():
        whole += piece
        if len(whole) > max_size:
            raise TooLargeError(max_size)
    return bytes(whole)
