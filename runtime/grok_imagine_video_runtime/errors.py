"""The errors of calls, waits and downloads."""

import contextlib
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

# What to do if nobody knows what came of a request that creates a job.
MAY_BE_DONE = "it may have been carried out: look for the job before you send it again"


class APIError(Exception):
    """The base of every error of this package; `job_id` is the id of the job, if it is known."""

    job_id: str | None = None

    def __str__(self) -> str:
        return one_line(str(self.args[0]) if self.args else "", MAX_LINE)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


GrokImagineVideoError = APIError  # an alias


class APIConnectionError(APIError):
    """Nothing was sent, or a repeatable request failed: it is safe to send it again."""


class _ResponseError(APIError):
    """An error with an HTTP response; each subclass declares what is None if there was none."""

    _advice = ""

    def __init__(
        self,
        msg: str = "",
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> None:
        super().__init__(msg, status_code, headers, content)
        self.status_code: Any = status_code
        self.headers: Any = None if headers is None else httpx.Headers(headers)
        self.content: Any = content
        body = read_error_body(content or b"")
        self.message: str = body.get("message", "")
        self.code: str | None = body.get("code")
        self.type: str | None = body.get("type")
        self.param: str | None = body.get("param")
        ids = ((headers or {}).get(name) for name in _ID_HEADERS)
        self.request_id: str | None = next(filter(None, ids), None) or body.get("request_id")

    def __str__(self) -> str:
        msg, status = self.args[0], str(self.status_code or "")
        message = self.message.rstrip(".") or ("" if msg else responses.get(self.status_code))
        code = None if self.code == status else self.code  # which some repeat there
        request_id = self.request_id and f"request id {self.request_id}"
        hints = [one_line(hint, 100) for hint in (code, self.param, request_id) if hint]
        end = (f" ({', '.join(hints)})" if hints else "") + self._advice
        text = ": ".join(filter(None, [status, msg, message]))
        return one_line(text, MAX_LINE - len(end)) + end


class OutcomeUnknownError(_ResponseError):
    """A request that must not be repeated may have been carried out.

    The job may exist and may be billed: look for it before you send the request again. The
    attributes are those of `APIStatusError`, None if there was no response.
    """

    status_code: int | None
    headers: httpx.Headers | None
    content: bytes | None
    _advice = f"; {MAY_BE_DONE}"


class APIStatusError(_ResponseError):
    """The status of the response is not 2xx.

    Attributes:
        status_code: The status, 100 to 999.
        headers: The headers of the response.
        content: Its whole body; the caller's API key is removed if the server echoes it.
        message: The server's error message; empty if there is none.
        code: The server's error code, or None.
        type: The server's error type, or None.
        param: The field of the request that the error is about, or None.
        request_id: The id of this HTTP call, for the gateway's operator, or None. The job is
            `job_id`.
    """

    status_code: int
    headers: httpx.Headers
    content: bytes


class BadRequestError(APIStatusError):
    """Status 400: the request is wrong."""


class AuthenticationError(APIStatusError):
    """Status 401: the API key is missing or wrong."""


class PermissionDeniedError(APIStatusError):
    """Status 403: the API key does not allow this."""


class NotFoundError(APIStatusError):
    """Status 404: it does not exist."""


class ConflictError(APIStatusError):
    """Status 409: the request conflicts with the current state."""


class UnprocessableEntityError(APIStatusError):
    """Status 422: the request is well formed, but its content is wrong."""


class RateLimitError(APIStatusError):
    """Status 429: too many requests, or the quota is used up."""

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait that the server asks for, 0 or more; None if it does not say."""
        return retry_after(self.headers)


class InternalServerError(APIStatusError):
    """Status 500 to 599: the server failed."""


class APIResponseValidationError(_ResponseError):
    """The body of a 2xx response is not what the spec says, or a page instead of a file.

    `content` keeps it, because the job may exist; of a download, its first 64 KiB. The attributes
    are those of `APIStatusError`; without a response, as from `job_id`, there is `content` alone.
    """


class JobError(APIError):
    """An error with `job`, the last response about it, and the gateway's `code`, or None."""

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
    """The job is done and paid for, with no result where the spec says: it may be in `job`."""


class WaitTimeoutError(JobError):
    """The deadline passed before the job ended; `job` is the last response. Waiting can go on."""


_BY_STATUS = dict.fromkeys(range(500, 600), InternalServerError) | {
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
    return _BY_STATUS.get(status_code, APIStatusError)(msg, status_code, headers, content)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response asks to wait; LiteLLM passes on the header of its upstream."""
    value = (headers.get("retry-after") or headers.get("llm_provider-retry-after") or "")[:40]
    try:
        seconds = float(value)
    except ValueError:
        if not re.search(r"\d:\d\d:\d\d", value):  # it is not a date, such as "30s"
            return None
        from dateutil import parser  # 10 ms, and rarely needed

        try:  # HTTP dates are in UTC, whatever zone they claim
            date = parser.parse(value, ignoretz=True).replace(tzinfo=UTC)
        except Exception:  # a bad header must not hide the error that it came with
            return None
        seconds = (date - datetime.now(UTC)).total_seconds()
    return None if math.isnan(seconds) else max(0.0, seconds)


# ESC [ ... letter, which is a color, and ESC ] ... BEL, which is a title or a link.
_ESCAPES = re.compile(r"(\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)?")


def one_line(text: str, limit: int) -> str:
    """One line of at most `limit` characters, without what a terminal would obey."""
    text = _ESCAPES.sub("", text[: 20 * limit])
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


# Of OpenAI, xAI and Anthropic; of new-api; of LiteLLM; of Cloudflare in front of any of them.
_ID_HEADERS = ("x-request-id", "request-id", "x-oneapi-request-id", "x-litellm-call-id", "cf-ray")


def read_error_body(content: bytes) -> dict[str, str]:
    """Read the body of an error, in any of the forms that gateways are known to send.

    OpenAI: {"error": {"message", "type", "param", "code"}}; xAI: {"code", "error": "text"};
    new-api: {"code", "message"}, where the message may be the upstream's JSON; FastAPI: {"detail"};
    anything else is read as an HTML page or plain text.
    """
    fields, message = dict[str, str](), ""
    try:
        parts = [json.loads(content)]
    except (ValueError, RecursionError):
        parts, message = [], _text_of_page(content[:100_000].decode("utf-8", "replace"))
    for _ in range(30):  # more parts than any gateway nests a message in
        match parts.pop() if parts else None:
            case [first, *_]:
                parts.append(first)
            case {"loc": [*_, str() | int() as param], **part}:  # FastAPI's path to a field
                parts.append({"param": param} | part)
            case dict() as part:
                for name in {"code", "type", "param", "request_id"} & part.keys():
                    if isinstance(part[name], str | int) and part[name] != "":
                        fields[name] = str(part[name])
                parts += [part.get(name) for name in ("msg", "detail", "message", "error")]
            case str() as text if text:
                message, parts = text, []
                with contextlib.suppress(ValueError, RecursionError):  # the upstream's JSON
                    parts = [json.JSONDecoder().raw_decode(text, text.index("{"))[0]]
    if id_in_text := re.search(r"\(request id: ([^\s)]{1,100})\)", message):
        fields.setdefault("request_id", id_in_text[1])
    return fields | {"message": message}


def _text_of_page(text: str) -> str:
    """The title of an HTML page, or a text without its tags; "" for binary content."""
    if re.search(r"[\x00-\x08\x0e-\x1a]", text):
        return ""
    if title := re.search(r"<title[^<>]*>([^<]*)", text, re.IGNORECASE):
        text = title[1]
    elif text.lstrip().startswith("<"):
        text = re.sub(r"<[^<>]*>", " ", text)
    from html import unescape  # 1.5 ms, and rarely needed

    return " ".join(unescape(text).split())
