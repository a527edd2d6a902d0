# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Every way in which a call can fail, by name."""

import html
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import responses
from typing import Any

import httpx


class GrokImagineVideoError(Exception):
    """Catches every error of this package."""


class APIConnectionError(GrokImagineVideoError):
    """Nothing was sent, or a request that is safe to repeat failed: it can be sent again."""


class _AnsweredError(GrokImagineVideoError):
    """An error with an HTTP answer, or with None in every part of it where none came."""

    message: str
    code: str | None
    type: str | None
    param: str | None
    request_id: str | None

    def __init__(
        self,
        what: str = "",
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> None:
        super().__init__(what, status_code, headers, content)
        parts = {
            "status_code": status_code,
            "headers": None if headers is None else httpx.Headers(headers),
            "content": content,
        }
        vars(self).update(parts)  # the subclasses say whether they can be None
        said = _said(content or b"")
        self.message = said.get("message", "")
        self.code = said.get("code")
        self.type = said.get("type")
        self.param = said.get("param")
        self.request_id = _request_id(headers or {}) or said.get("request_id")

    def __str__(self) -> str:
        what, status_code = self.args[:2]
        status = f"status {status_code}" if status_code else ""
        said = self.message or (responses.get(status_code, "") if status_code else "")
        hints = [f"{name} {getattr(self, name)}" for name in ("code", "param")]
        hints = [hint for hint in hints if not hint.endswith(" None")]
        end = f" (request id {_line(self.request_id, 100)})" if self.request_id else ""
        return _line(": ".join(filter(None, [what, status, said, *hints])), 500 - len(end)) + end

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class OutcomeUnknownError(_AnsweredError):
    """A request that must not be repeated was sent, and no definite answer came.

    What it was to create may exist and may be billed: look before sending it again. The attributes
    are those of `APIStatusError`, None where nothing was answered.
    """

    status_code: int | None
    headers: httpx.Headers | None
    content: bytes | None


class APIStatusError(_AnsweredError):
    """The answer has a status other than 2xx.

    Attributes:
        status_code: The status, 100 to 999.
        headers: The headers of the answer.
        content: Its whole body, but for the caller's own token if the server repeats it.
        message: What the server says went wrong; empty if it says nothing.
        code: The server's code for it, or None.
        type: The server's kind of error, or None.
        param: The field of the request that it is about, or None.
        request_id: What the server's operator finds the call by, or None.
    """

    status_code: int
    headers: httpx.Headers
    content: bytes


class BadRequestError(APIStatusError):
    """Status 400: the request is wrong."""


class AuthenticationError(APIStatusError):
    """Status 401: the token is missing or wrong."""


class PermissionDeniedError(APIStatusError):
    """Status 403: the token does not allow this."""


class NotFoundError(APIStatusError):
    """Status 404: there is no such thing."""


class ConflictError(APIStatusError):
    """Status 409: the request conflicts with what is there."""


class UnprocessableEntityError(APIStatusError):
    """Status 422: the request is well formed and wrong."""


class RateLimitError(APIStatusError):
    """Status 429: too many requests, or no quota left.

    Attributes:
        retry_after: The seconds that the server asks to wait, 0 or more, or None if it does not say.
    """

    @property
    def retry_after(self) -> float | None:
        return retry_after(self.headers)


class InternalServerError(APIStatusError):
    """Status 500 to 599: the server failed."""


class APIResponseValidationError(_AnsweredError):
    """A 2xx answer whose body is not what the spec says; `content` keeps it, for the job may exist.

    The attributes are those of `APIStatusError`.
    """

    status_code: int
    headers: httpx.Headers
    content: bytes


class _JobError(GrokImagineVideoError):
    """An error with the last answer about a job."""

    def __init__(self, what: str, job: Any) -> None:
        super().__init__(what, job)
        self.job = job

    def __str__(self) -> str:
        return _line(self.args[0], 500)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class JobFailedError(_JobError):
    """The job ended without a result; `job` is the last answer."""


class JobExpiredError(_JobError):
    """The job, or its result, is no longer kept; `job` is the last answer."""


class VideoWithheldError(_JobError):
    """The job is done and moderation withheld its result, which may be billed; `job` is the last answer."""


class WaitTimeoutError(_JobError):
    """The deadline passed before the job ended; `job` is the last answer, and waiting can go on."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def status_error(status_code: int, headers: Mapping[str, str], content: bytes) -> APIStatusError:
    """The error for an answer that is not 2xx."""
    other = InternalServerError if 500 <= status_code <= 599 else APIStatusError
    return _BY_STATUS.get(status_code, other)("", status_code, headers, content)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that an answer asks to wait: `Retry-After` as a number or as any HTTP date."""
    value = headers.get("retry-after", "").strip()[:40]
    try:
        seconds = float(value)
    except ValueError:
        from dateutil import parser  # slow to import, and seldom needed

        try:  # an HTTP date is in UTC, whatever else it says
            date = parser.parse(value, tzinfos=lambda *_: UTC)
            seconds = (date.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError):
            return None
    return None if seconds != seconds else max(0.0, seconds)  # NaN is no number of seconds


def _line(text: str, limit: int) -> str:
    """One line of at most `limit` characters, without what a terminal would obey."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 20 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


# Those of OpenAI, xAI and Anthropic, of new-api, and of Cloudflare in front of any of them.
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-oneapi-request-id", "cf-ray")
_REQUEST_ID_IN_TEXT = re.compile(r"\(request id: ([^\s)]{1,100})\)")


def _request_id(headers: Mapping[str, str]) -> str | None:
    return next((headers[name] for name in _REQUEST_ID_HEADERS if headers.get(name)), None)


def _said(content: bytes) -> dict[str, str]:
    """What the body of an error says, in any of the shapes that are known.

    OpenAI: {"error": {"message", "type", "param", "code"}}; xAI: {"code", "error": "text"}; new-api:
    {"code", "message"}, where the message may be the upstream's JSON; FastAPI: {"detail"}; otherwise
    a page of HTML or plain text.
    """
    try:
        said = _from_json(json.loads(content), depth=0)
    except (ValueError, RecursionError):
        said = {"message": _from_page(content[:100_000].decode("utf-8", "replace"))}
    if "request_id" not in said and (found := _REQUEST_ID_IN_TEXT.search(said.get("message", ""))):
        said["request_id"] = found[1]
    return said


# Deeper than any server wraps its message, and far from what Python's stack allows.
_DEEPEST = 8


def _from_json(value: Any, depth: int) -> dict[str, str]:
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return _from_text(value, depth)
    said = {
        name: str(value[name])
        for name in ("code", "type", "param", "request_id")
        if isinstance(value.get(name), str | int) and value[name] not in ("", None)
    }
    for name in ("error", "message", "detail", "msg"):
        if "message" not in said and depth < _DEEPEST:
            said |= _from_json(value.get(name), depth + 1)
    return said


def _from_text(value: Any, depth: int) -> dict[str, str]:
    if not isinstance(value, str):
        return {}
    if value.lstrip().startswith(("{", "[")):
        try:
            inner = _from_json(json.loads(value), depth + 1)
        except (ValueError, RecursionError):
            inner = {}
        if "message" in inner:
            return inner
    return {"message": value}


def _from_page(text: str) -> str:
    """The title of a page of HTML, or its text without the tags."""
    if title := re.search(r"<title[^<>]*>([^<]*)", text, re.IGNORECASE):
        text = title[1]
    elif text.lstrip().startswith("<"):
        text = re.sub(r"<[^<>]*>", " ", text)
    return " ".join(html.unescape(text).split())


__all__ = [
    "GrokImagineVideoError",
    "APIConnectionError",
    "APIResponseValidationError",
    "APIStatusError",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "InternalServerError",
    "JobExpiredError",
    "JobFailedError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "RateLimitError",
    "UnprocessableEntityError",
    "VideoWithheldError",
    "WaitTimeoutError",
]
