"""The errors of calls, waits and downloads."""

import html
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import responses
from typing import Any

import httpx

# Characters of an error that are shown, so that an HTML page does not fill a log.
MAX_LINE = 500


class APIError(Exception):
    """Catches every error of this package.

    Attributes:
        job_id: The id of the job, to wait for it again; None if there is no job, or its id is not
            known.
    """

    job_id: str | None = None

    def __str__(self) -> str:
        return one_line(str(self.args[0]) if self.args else "", MAX_LINE)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


GrokImagineVideoError = APIError  # an alias


class APIConnectionError(APIError):
    """Nothing was sent, or a repeatable request failed: it is safe to send it again."""


class _ResponseError(APIError):
    """An error with an HTTP response; its attributes are None if there was no response."""

    def __init__(
        self,
        msg: str = "",
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> None:
        super().__init__(msg, status_code, headers, content)
        # The subclasses declare which of these can be None.
        self.status_code: Any = status_code
        self.headers: Any = None if headers is None else httpx.Headers(headers)
        self.content: Any = content
        body = read_error_body(content or b"")
        self.message: str = body.get("message", "")
        self.code: str | None = body.get("code")
        self.type: str | None = body.get("type")
        self.param: str | None = body.get("param")
        ids = ((headers or {}).get(name) for name in _REQUEST_ID_HEADERS)
        self.request_id: str | None = next(filter(None, ids), None) or body.get("request_id")

    def __str__(self) -> str:
        msg, status_code = self.args[:2]
        status = f"status {status_code}" if status_code else ""
        message = self.message or responses.get(status_code)
        code = None if self.code == str(status_code) else self.code  # some repeat the status there
        hints = [f"{name} {hint}" for name, hint in (("code", code), ("param", self.param)) if hint]
        end = f" (request id {one_line(self.request_id, 100)})" if self.request_id else ""
        text = ": ".join(filter(None, [msg, status, message, *hints]))
        return one_line(text, MAX_LINE - len(end)) + end


class OutcomeUnknownError(_ResponseError):
    """A request that must not be repeated may have been carried out.

    The job may exist and may be billed: look for it before you send the request again. The
    attributes are those of `APIStatusError`, None if there was no response.
    """

    status_code: int | None
    headers: httpx.Headers | None
    content: bytes | None


class APIStatusError(_ResponseError):
    """The status of the response is not 2xx.

    Attributes:
        status_code: The status, 100 to 999.
        headers: The headers of the response.
        content: Its whole body; the caller's own token is removed if the server echoes it.
        message: The server's error message; empty if there is none.
        code: The server's error code, or None.
        type: The server's error type, or None.
        param: The field of the request that the error is about, or None.
        request_id: The id by which the server's operator can find the call, or None.
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
    """Status 404: it does not exist."""


class ConflictError(APIStatusError):
    """Status 409: the request conflicts with the current state."""


class UnprocessableEntityError(APIStatusError):
    """Status 422: the request is well formed, but its content is wrong."""


class RateLimitError(APIStatusError):
    """Status 429: too many requests, or the quota is used up.

    Attributes:
        retry_after: Seconds to wait that the server asks for, 0 or more; None if it does not say.
    """

    @property
    def retry_after(self) -> float | None:
        return retry_after(self.headers)


class InternalServerError(APIStatusError):
    """Status 500 to 599: the server failed."""


class APIResponseValidationError(_ResponseError):
    """The body of a 2xx response is not what the spec says, or a page instead of a file.

    `content` keeps it, because the job may exist; of a download, its first 64 KiB. The attributes
    are those of `APIStatusError`.
    """

    status_code: int
    headers: httpx.Headers
    content: bytes


class JobError(APIError):
    """An error with the last response about a job.

    Attributes:
        job: The last response, or None.
        code: The gateway's code for it, or None.
    """

    def __init__(self, msg: str, job: Any, code: str | None = None) -> None:
        super().__init__(msg, job)
        self.job = job
        self.code = code


class JobFailedError(JobError):
    """The job ended without a result; `job` is the last response."""


class JobExpiredError(JobError):
    """The job or its result is no longer kept; `job` is the last response."""


class VideoWithheldError(JobError):
    """Moderation withheld the result, which may have been billed; `job` is the last response."""


class ResultMissingError(JobError):
    """The job ended well and is paid for, but its result is in no place that the spec knows.

    `job` is the last response: look for the result in it, or ask the gateway's operator.
    """


class WaitTimeoutError(JobError):
    """The deadline passed before the job ended; `job` is the last response. Waiting can go on."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def status_error(
    status_code: int, headers: Mapping[str, str], content: bytes, msg: str = ""
) -> APIStatusError:
    """The error for a response whose status is not 2xx."""
    default = InternalServerError if 500 <= status_code <= 599 else APIStatusError
    return _BY_STATUS.get(status_code, default)(msg, status_code, headers, content)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response asks to wait: `Retry-After` as a number or any HTTP date.

    LiteLLM passes on the header of its upstream as `llm_provider-retry-after`.
    """
    value = (headers.get("retry-after") or headers.get("llm_provider-retry-after") or "")[:40]
    try:
        seconds = float(value)
    except ValueError:
        from dateutil import parser  # 10 ms, and rarely needed

        try:  # HTTP dates are in UTC, whatever zone they claim
            date = parser.parse(value, ignoretz=True).replace(tzinfo=UTC)
        except Exception:  # a bad header must not hide the error that it came with
            return None
        seconds = (date - datetime.now(UTC)).total_seconds()
    return None if math.isnan(seconds) else max(0.0, seconds)


def one_line(text: str, limit: int) -> str:
    """One line of at most `limit` characters, without the control codes of a terminal."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 20 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


# Of OpenAI, xAI and Anthropic; of new-api; of LiteLLM; of Cloudflare in front of any of them.
_REQUEST_ID_HEADERS = (
    *("x-request-id", "request-id", "x-oneapi-request-id", "x-litellm-call-id", "cf-ray"),
)
_REQUEST_ID_IN_TEXT = re.compile(r"\(request id: ([^\s)]{1,100})\)")

# More parts than any gateway nests a message in.
_MAX_PARTS = 30


def read_error_body(content: bytes) -> dict[str, str]:
    """Read the body of an error, in any of the forms that gateways are known to send.

    OpenAI: {"error": {"message", "type", "param", "code"}}; xAI: {"code", "error": "text"};
    new-api: {"code", "message"}, where the message may be the upstream's JSON; FastAPI: {"detail"};
    anything else is read as an HTML page or plain text.
    """
    fields: dict[str, str] = {}
    texts: list[str] = []
    try:
        parts = [json.loads(content)]
    except (ValueError, RecursionError):
        parts, texts = [], [_text_of_page(content[:100_000].decode("utf-8", "replace"))]
    for _ in range(_MAX_PARTS):
        match parts.pop() if parts else None:
            case [first, *_]:
                parts.append(first)
            case dict() as part:
                fields |= _known_fields(part)
                parts += [part.get(name) for name in ("msg", "detail", "message", "error")]
            case str() as text if text:
                texts.append(text)
                parts = _json_in(text)
    fields["message"] = texts[-1] if texts else ""
    if id_in_text := _REQUEST_ID_IN_TEXT.search(fields["message"]):
        fields.setdefault("request_id", id_in_text[1])
    return fields


def _known_fields(part: dict[str, Any]) -> dict[str, str]:
    fields = {
        name: str(part[name])
        for name in ("code", "type", "param", "request_id")
        if isinstance(part.get(name), str | int) and part[name] != ""
    }
    if isinstance(part.get("loc"), list) and part["loc"]:  # FastAPI's path to a field
        fields.setdefault("param", str(part["loc"][-1]))
    return fields


def _json_in(text: str) -> list[Any]:
    """The upstream's JSON in a text; there may be other text around it."""
    start = text.find("{")
    try:
        return [json.JSONDecoder().raw_decode(text[start:])[0]] if start >= 0 else []
    except (ValueError, RecursionError):
        return []


def _text_of_page(text: str) -> str:
    """The title of an HTML page, or a text without its tags; "" for binary content."""
    if re.search(r"[\x00-\x08\x0e-\x1a]", text):
        return ""
    if title := re.search(r"<title[^<>]*>([^<]*)", text, re.IGNORECASE):
        text = title[1]
    elif text.lstrip().startswith("<"):
        text = re.sub(r"<[^<>]*>", " ", text)
    return " ".join(html.unescape(text).split())


__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "GrokImagineVideoError",
    "InternalServerError",
    "JobExpiredError",
    "JobFailedError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "RateLimitError",
    "ResultMissingError",
    "UnprocessableEntityError",
    "VideoWithheldError",
    "WaitTimeoutError",
]
