"""Bodies of responses: compressed or not, whole or not, and never more than is allowed."""

import gzip
import json
import os
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from conftest import client_of, create
from faults import Fault, responding, serving
from grok_imagine_video import AuthenticatedClient, errors, get_video
from grok_imagine_video_runtime import _calls
from playing import URL, Play, asking, status
from ways import Way

JSON = b'{"request_id": "1"}'
LARGE = json.dumps(os.urandom(50_000).hex()).encode()  # more than is decompressed at once


# A body, its coding, and what compresses.
READABLE: dict[str, tuple[bytes, str, Any]] = {
    "gzip": (JSON, "gzip", gzip.compress),
    **{"deflate": (JSON, "deflate", zlib.compress), "large": (LARGE, "gzip", gzip.compress)},
    **{"twice": (JSON, "identity, gzip", gzip.compress), "none": (JSON, "binary, utf-8", bytes)},
}


def play(method: str, code: int, content: bytes, coding: str, **options: Any) -> Play:
    client = client_of(URL, max_retries=0, **options)
    call = client, _calls.parsed, asking(method)
    return Play(*call, outcomes=[status(code, content, Content_Encoding=coding)])


@pytest.mark.parametrize(("content", "coding", "compress"), READABLE.values(), ids=READABLE)
def test_a_body_is_read_however_it_is_compressed(
    content: bytes, coding: str, compress: Any
) -> None:
    compressed = compress(content)
    size = max(len(content), len(compressed))
    played = play("POST", 200, compressed, coding, max_response_size=size)
    assert played.end == json.loads(content)
    assert played.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip"])
def test_a_body_that_is_not_what_its_headers_say_is_kept_as_it_came(coding: str) -> None:
    unknown = play("POST", 200, JSON, coding).end
    assert type(unknown) is errors.OutcomeUnknownError
    assert (unknown.status_code, unknown.content) == (200, JSON)
    refused = play("POST", 400, JSON, coding).end
    assert (type(refused), refused.content) == (errors.BadRequestError, JSON)
    assert type(play("GET", 200, JSON, coding).end) is errors.APIConnectionError


def test_a_few_bytes_do_not_become_gigabytes() -> None:
    content = gzip.compress(b" " * 100_000_000)
    tracemalloc.start()
    try:
        end = play("POST", 200, content, "gzip", max_response_size=1_000_000).end
        assert type(end) is errors.OutcomeUnknownError
        assert "more than 1000000 bytes" in str(end)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


COMPRESSED = responding(200, gzip.compress(b" " * 2000), Content_Encoding="gzip")


@pytest.mark.parametrize("fault", [responding(200, b" " * 2000), COMPRESSED])
def test_a_response_too_large_is_not_read_on(fault: Fault, way: Way, tmp_path: Path) -> None:
    with serving(fault) as server:

        def client(max_size: int) -> AuthenticatedClient:
            return client_of(server.base_url, max_response_size=max_size)

        with pytest.raises(errors.OutcomeUnknownError, match="more than 1999 bytes"):
            create(way, client(1999))
        with pytest.raises(errors.APIConnectionError, match="more than 1999 bytes"):
            way.call(get_video, "sync", client(1999), "1")
        assert len(server.arrived) == 2
        with pytest.raises(errors.APIResponseValidationError):
            create(way, client(2000))
        path = way.call(None, "download", client(1), "/v.mp4", tmp_path / "v.mp4")
    assert path.stat().st_size == 2000
    with serving(responding(401, b" " * 2000)) as server, pytest.raises(errors.AuthenticationError):
        create(way, client(1))
