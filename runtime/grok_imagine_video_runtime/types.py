"""Types that operations and models share."""

from collections.abc import Mapping
from typing import BinaryIO, Generic, Literal, NamedTuple, TypeVar


class Unset:
    """The type of `UNSET`, the value of a field that is left out."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"  # by name, so that a pickle or a copy gives the same object again


UNSET: Unset = Unset()


class File(NamedTuple):
    """A file to upload: its content, and the name and media type to send with it."""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None


T = TypeVar("T")


class Response(NamedTuple, Generic[T]):
    """An HTTP response, whatever its status.

    Attributes:
        status_code: The status, 100 to 999.
        headers: The headers, as `httpx.Headers`; names are case-insensitive.
        content: The body, decompressed.
        parsed: The body as a model, or None if the spec has no model for it or it does not fit.
    """

    status_code: int
    headers: Mapping[str, str]
    content: bytes
    parsed: T | None


__all__ = ["UNSET", "File", "Response", "Unset"]
