"""What is read from the body of an error, whatever its shape, and how an error shows itself."""

import json
import pickle
from typing import Any

import pytest

from grok_imagine_video_runtime import errors

OPENAI = {"message": "Bad", "type": "invalid_request_error", "param": "model", "code": "no_model"}
READ = ("Bad", "no_model", "invalid_request_error", "model")

# The body, and what is read from it: message, code, type, param, request id. The rest is None.
SHAPES: dict[str, tuple[Any, ...]] = {
    "OpenAI": ({"error": OPENAI}, *READ),
    "new-api": (
        {"error": {"message": "Bad (request id: 2026ab)", "type": "new_api_error", "code": "x"}},
        *("Bad (request id: 2026ab)", "x", "new_api_error", None, "2026ab"),
    ),
    "xAI": ({"code": "invalid-argument", "error": "Bad"}, "Bad", "invalid-argument"),
    "new-api tasks": ({"code": "fail", "message": "Bad", "data": None}, "Bad", "fail"),
    "JSON inside a string": ({"code": "fail", "message": json.dumps({"error": OPENAI})}, *READ),
    "JSON inside two strings": (
        {"error": {"message": json.dumps({"message": json.dumps({"error": "Bad"})})}},
        "Bad",
    ),
    "broken JSON inside a string": ({"message": '{"error": '}, '{"error": '),
    "FastAPI": ({"detail": "Bad"}, "Bad"),
    "FastAPI's list": (
        {"detail": [{"loc": ["body", "input", "model"], "msg": "Bad", "type": "missing"}]},
        *("Bad", None, "missing", "model"),
    ),
    "FastAPI's list without a place": ({"detail": [{"loc": [], "msg": "Bad"}]}, "Bad"),
    "LiteLLM around its upstream": (
        {"error": {"message": f"litellm.X: Y - {json.dumps({'error': OPENAI})} Model: m"}},
        *READ,
    ),
    "text with a brace": ({"error": "use {prompt} here"}, "use {prompt} here"),
    "two messages": ({"error": "Bad", "message": "other"}, "Bad"),
    "flag": ({"error": True, "message": "Bad"}, "Bad"),
    "code as a number": ({"error": {"message": "Bad", "code": 400}}, "Bad", "400"),
    "request id": (
        {"error": OPENAI | {"message": "Bad (request id: r2)"}, "request_id": "r1"},
        *("Bad (request id: r2)", *READ[1:], "r1"),
    ),
    "nothing in its fields": ({"error": {"message": "Bad", "code": "", "param": ""}}, "Bad"),
    "null everywhere": ({"error": dict.fromkeys(OPENAI)}, ""),
    "text in JSON": ("Bad", "Bad"),
    "empty object": ({}, ""),
    "number": (4, ""),
    "page of nginx": (
        b"<html>\r\n<head><TITLE lang='en'>502 Bad Gateway</TITLE></head>\r\n<body>x</body>",
        "502 Bad Gateway",
    ),
    "page without a title": (b"\n<h1>Bad &amp; worse</h1><p>x</p>", "Bad & worse x"),
    "text": (b"  Bad\n gateway <5>", "Bad gateway <5>"),
    "nothing": (b"", ""),
    "UTF-16": (json.dumps({"error": "Bad"}).encode("utf-16"), "Bad"),
    "Latin-1": (b'{"error": "Schl\xe9cht"}', '{"error": "Schl\ufffdcht"}'),
}


def encoded(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_an_error_is_read(shape: str) -> None:
    body, *expected = SHAPES[shape]
    content = encoded(body)
    error = errors.status_error(400, {}, content)
    said = [error.message, error.code, error.type, error.param, error.request_id]
    assert said == expected + [None] * (5 - len(expected))
    assert error.content == content
    assert str(error).startswith("status 400: ")


HOSTILE: dict[str, Any] = {
    "deep": b"[" * 100_000,
    "deep objects": b'{"error":' * 100_000,
    "deep enough for Python": b'{"error":' * 900 + b"1" + b"}" * 900,
    "deep JSON in strings": {"message": json.dumps({"message": "[" * 10**5})},
    "many brackets": b"<" * 200_000,
    "many titles": b"<title" * 100_000,
    "long line": {"error": "x" * 10**6},
    "many lines": {"error": "x\n" * 10**5},
    "terminal codes": {"error": "\x1b[2J\x00\x07\u202e" * 9},
    "zeros": b"\0" * 10**5,
    "number too long": b"9" * 10**5,
    "surrogates": b'{"error": "\\ud800", "code": "\\udfff"}',
    "long fields": {"error": dict.fromkeys([*OPENAI, "request_id"], "x" * 10**4)},
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_every_body_is_shown_in_one_line(body: Any) -> None:
    content = encoded(body)
    error = errors.status_error(500, {"x-request-id": "r" * 10**4}, content)
    assert len(str(error)) <= 500
    assert str(error).endswith(f" (request id {'r' * 99}…)")
    assert str(error).isprintable()
    assert pickle.loads(pickle.dumps(error)).content == content


REQUEST_IDS = ("x-request-id", "request-id", "x-oneapi-request-id", "x-litellm-call-id", "cf-ray")


def test_the_line_has_what_helps() -> None:
    error = errors.status_error(400, {"x-request-id": "r1"}, encoded({"error": OPENAI}))
    assert str(error) == "status 400: Bad: code no_model: param model (request id r1)"
    assert repr(error) == f"BadRequestError({str(error)!r})"
    twice = errors.status_error(500, {}, b'{"error": {"message": "Bad", "code": "500"}}')
    assert str(twice) == "status 500: Bad"
    unknown = errors.OutcomeUnknownError("why")
    assert str(unknown) == "why"
    assert unknown.headers is None
    for name in REQUEST_IDS:
        error = errors.status_error(500, {name: "r1"}, b"")
        assert str(error) == "status 500: Internal Server Error (request id r1)"


TREE = {
    "Exception": "APIError",
    "APIError": "APIConnectionError APIResponseValidationError APIStatusError JobExpiredError "
    "JobFailedError OutcomeUnknownError ResultMissingError VideoWithheldError WaitTimeoutError",
    "APIStatusError": "AuthenticationError BadRequestError ConflictError InternalServerError "
    "NotFoundError PermissionDeniedError RateLimitError UnprocessableEntityError",
}


def test_the_tree() -> None:
    """The nearest parent that callers can name is the one that a reader of the tree expects."""
    assert errors.GrokImagineVideoError is errors.APIError
    public = [name for name in errors.__all__ if name != "GrokImagineVideoError"]
    found: dict[str, list[str]] = {}
    for name in sorted(public):
        parents = [each.__name__ for each in getattr(errors, name).__mro__[1:]]
        nearest = next(each for each in parents if each in (*public, "Exception"))
        found.setdefault(nearest, []).append(name)
    assert {parent: " ".join(children) for parent, children in found.items()} == TREE


def test_an_error_about_a_job_keeps_the_last_response() -> None:
    for kind in (errors.JobFailedError, errors.VideoWithheldError, errors.WaitTimeoutError):
        again = pickle.loads(pickle.dumps(kind(*(said := ("the job\nfailed", {"id": "1"})))))
        assert (str(again), again.job, again.args) == ("the job failed", {"id": "1"}, said)
        assert repr(again) == f"{kind.__name__}('the job failed')"
        assert str(kind("x" * 500, None)) == "x" * 500
        assert str(kind("x" * 501, None)) == "x" * 499 + "…"
