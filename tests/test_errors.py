"""What is read from the body of an error, whatever its shape, and how an error shows itself."""

import json
import pickle
from typing import Any

import pytest

from grok_imagine_video import errors

OPENAI = {"message": "Bad", "type": "invalid_request_error", "param": "model", "code": "no_model"}

# The body, and message, code, type, param and request id.
SHAPES: dict[str, tuple[Any, str, str | None, str | None, str | None, str | None]] = {
    "OpenAI": ({"error": OPENAI}, "Bad", "no_model", "invalid_request_error", "model", None),
    "new-api": (
        {"error": {"message": "Bad (request id: 2026ab)", "type": "new_api_error", "code": "x"}},
        *("Bad (request id: 2026ab)", "x", "new_api_error", None, "2026ab"),
    ),
    "xAI": (
        {"code": "invalid-argument", "error": "Bad"},
        *("Bad", "invalid-argument", None, None, None),
    ),
    "new-api tasks": (
        {"code": "fail", "message": "Bad", "data": None},
        *("Bad", "fail", None, None, None),
    ),
    "JSON inside a string": (
        {"code": "fail", "message": json.dumps({"error": OPENAI}), "data": None},
        *("Bad", "no_model", "invalid_request_error", "model", None),
    ),
    "JSON inside a string inside a string": (
        {"error": {"message": json.dumps({"message": json.dumps({"error": "Bad"})})}},
        *("Bad", None, None, None, None),
    ),
    "broken JSON inside a string": (
        {"message": '{"error": '},
        *('{"error": ', None, None, None, None),
    ),
    "FastAPI": ({"detail": "Bad"}, "Bad", None, None, None, None),
    "FastAPI's list": (
        {"detail": [{"loc": ["body", "model"], "msg": "Bad", "type": "missing"}]},
        *("Bad", None, "missing", "model", None),
    ),
    "LiteLLM around its upstream": (
        {"error": {"message": f"litellm.X: Y - {json.dumps({'error': OPENAI})} Model: m"}},
        *("Bad", "no_model", "invalid_request_error", "model", None),
    ),
    "text with a brace": (
        {"error": "use {prompt} here"},
        *("use {prompt} here", None, None, None, None),
    ),
    "flag": ({"error": True, "message": "Bad"}, "Bad", None, None, None, None),
    "code as a number": (
        {"error": {"message": "Bad", "code": 400}},
        "Bad",
        "400",
        None,
        None,
        None,
    ),
    "request id": (
        {"error": OPENAI, "request_id": "r1"},
        "Bad",
        "no_model",
        OPENAI["type"],
        "model",
        "r1",
    ),
    "null everywhere": (
        {"error": {"message": None, "type": None, "param": None, "code": None}},
        *("", None, None, None, None),
    ),
    "text in JSON": ("Bad", "Bad", None, None, None, None),
    "empty object": ({}, "", None, None, None, None),
    "number": (4, "", None, None, None, None),
    "page of nginx": (
        b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<hr></body></html>",
        *("502 Bad Gateway", None, None, None, None),
    ),
    "page without a title": (
        b"<h1>Bad &amp; worse</h1><p>x</p>",
        "Bad & worse x",
        None,
        None,
        None,
        None,
    ),
    "text": (b"  Bad\n gateway ", "Bad gateway", None, None, None, None),
    "nothing": (b"", "", None, None, None, None),
    "UTF-16": (json.dumps({"error": "Bad"}).encode("utf-16"), "Bad", None, None, None, None),
    "Latin-1": (b'{"error": "Schl\xe9cht"}', '{"error": "Schl\ufffdcht"}', None, None, None, None),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_an_error_is_read(shape: str) -> None:
    body, *expected = SHAPES[shape]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = errors.status_error(400, {}, content)
    said = [error.message, error.code, error.type, error.param, error.request_id]
    assert said == expected
    assert error.content == content
    assert str(error).startswith("status 400: ")


HOSTILE = {
    "deep": b"[" * 100_000,
    "deep objects": b'{"error":' * 100_000,
    "deep JSON in strings": json.dumps({"message": json.dumps({"message": "[" * 10**5})}).encode(),
    "many brackets": b"<" * 200_000,
    "many titles": b"<title" * 100_000,
    "long line": json.dumps({"error": "x" * 10**6}).encode(),
    "many lines": json.dumps({"error": "x\n" * 10**5}).encode(),
    "terminal codes": json.dumps({"error": "\x1b[2J\x00\x07\u202e" * 9}).encode(),
    "zeros": b"\0" * 10**5,
    "number too long": b"9" * 10**5,
    "surrogates": b'{"error": "\\ud800", "code": "\\udfff"}',
    "long fields": json.dumps(
        {"error": dict.fromkeys(("message", "code", "param", "request_id"), "x" * 10**4)}
    ).encode(),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_every_body_is_shown_in_one_line(content: bytes) -> None:
    error = errors.status_error(500, {"x-request-id": "r" * 10**4}, content)
    assert len(str(error)) <= 500
    assert str(error).isprintable()
    assert pickle.loads(pickle.dumps(error)).content == content


@pytest.mark.parametrize(
    "name", ["X-Request-Id", "request-id", "X-Oneapi-Request-Id", "x-litellm-call-id", "CF-Ray"]
)
def test_the_request_id_is_read_from_the_usual_headers(name: str) -> None:
    error = errors.status_error(500, {name.lower(): "r1"}, b"")
    assert error.request_id == "r1"
    assert str(error) == "status 500: Internal Server Error (request id r1)"


def test_the_line_has_what_helps() -> None:
    error = errors.status_error(400, {"x-request-id": "r1"}, json.dumps({"error": OPENAI}).encode())
    assert str(error) == "status 400: Bad: code no_model: param model (request id r1)"
    assert repr(error) == f"BadRequestError({str(error)!r})"
    twice = errors.status_error(500, {}, b'{"error": {"message": "Bad", "code": "500"}}')
    assert str(twice) == "status 500: Bad"


def test_the_tree() -> None:
    status = errors.APIStatusError
    parents: dict[type, type] = {
        errors.APIError: Exception,
        **dict.fromkeys(
            [
                *(errors.APIConnectionError, errors.JobFailedError, errors.JobExpiredError),
                *(errors.VideoWithheldError, errors.WaitTimeoutError, errors.OutcomeUnknownError),
                *(errors.APIResponseValidationError, status),
            ],
            errors.APIError,
        ),
        **dict.fromkeys(
            [
                *(errors.BadRequestError, errors.AuthenticationError, errors.NotFoundError),
                *(errors.PermissionDeniedError, errors.ConflictError, errors.RateLimitError),
                *(errors.UnprocessableEntityError, errors.InternalServerError),
            ],
            status,
        ),
    }
    assert {kind.__name__ for kind in parents} | {"GrokImagineVideoError"} == set(errors.__all__)
    assert errors.GrokImagineVideoError is errors.APIError
    for kind, parent in parents.items():
        assert issubclass(kind, parent)
        siblings = {other for other, its in parents.items() if its is parent} - {kind}
        assert not any(issubclass(kind, other) for other in siblings)


@pytest.mark.parametrize(
    "kind",
    [
        *(errors.JobFailedError, errors.JobExpiredError),
        *(errors.VideoWithheldError, errors.WaitTimeoutError),
    ],
)
def test_an_error_about_a_job_keeps_the_last_response(kind: Any) -> None:
    error = kind("the job\nfailed", {"status": "failed"})
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.job) == ("the job failed", {"status": "failed"})
