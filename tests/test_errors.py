"""How an error shows itself, whatever the body of its response."""

import pickle
import re

import pytest

from conftest import compact
from grok_imagine_video_runtime import errors

OPENAI = {"message": "Bad", "type": "invalid_request_error", "param": "model", "code": "no_model"}

HOSTILE = {
    "deep objects": b'{"error":' * 100_000,
    "deep enough for Python": b'{"error":' * 900 + b"1" + b"}" * 900,
    "many titles": b"<title" * 100_000,
    "many lines": compact({"error": "x\n" * 10**5}),
    "terminal codes": compact({"error": "\x1b[2J\x00\x07\u202e" * 9}),
    "number too long": b"9" * 10**5,
    "surrogates": b'{"error": "\\ud800", "code": "\\udfff"}',
    "long fields": compact({"error": dict.fromkeys([*OPENAI, "request_id"], "x" * 10**4)}),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_every_body_is_shown_in_one_line(content: bytes) -> None:
    error = errors.status_error(500, {"x-request-id": "r" * 10**4}, content)
    assert len(str(error)) <= 500
    assert re.search(r"[ (]request id r{88}…\)$", str(error))
    assert str(error).isprintable()
    assert pickle.loads(pickle.dumps(error)).content == content
    unknown = str(errors.OutcomeUnknownError("why" * 200, 500, {"cf-ray": "r" * 10**4}, content))
    assert (len(unknown) <= 500, unknown.endswith(errors.MAY_BE_DONE)) == (True, True)


def test_the_line_has_what_helps() -> None:
    error = errors.status_error(400, {"x-request-id": "r1"}, compact({"error": OPENAI}))
    assert str(error) == "400: Bad (no_model, model, request id r1)"
    assert repr(error) == f"BadRequestError({str(error)!r})"
    twice = errors.status_error(500, {}, b'{"error": {"message": "Bad", "code": "500"}}')
    assert str(twice) == "500: Bad"
    for name in ("request-id", "x-oneapi-request-id", "x-litellm-call-id", "cf-ray"):
        error = errors.status_error(500, {name: "r1"}, b"")
        assert str(error) == "500: Internal Server Error (request id r1)"
