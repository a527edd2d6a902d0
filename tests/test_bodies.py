"""Bodies of responses: compressed or not, whole or not, and never more than is allowed."""

import gzip
import tracemalloc
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conftest import client_of, create
from faults import Fault, responding, serving
from grok_imagine_video import errors, get_video
from grok_imagine_video_runtime import _calls
from modes import Mode
from playing import URL, Play, asking, status

JSON = b'{"request_id": "1"}'
VIDEO = bytes(range(256)) * 9000  # more than is decompressed at once, and it does not shrink much


# The name of a coding, and what compresses.
READABLE: dict[str, tuple[str, Any]] = {
    **{"gzip": ("gzip", gzip.compress), "x-gzip": ("X-GZIP", gzip.compress)},
    **{"identity, too": ("identity, gzip", gzip.compress), "deflate": ("deflate", zlib.compress)},
    **{name: (name, bytes) for name in ("", "binary, utf-8")},
}


def play(method: str, code: int, content: bytes, coding: str, **options: Any) -> Play:
    call = client_of(URL, max_retries=0, **options), _calls.parsed, asking(method)
    return Play(*call, outcomes=[status(code, content, Content_Encoding=coding)])


@pytest.mark.parametrize("name", READABLE)
def test_a_body_is_read_however_it_is_compressed_and_cut(name: str) -> None:
    coding, compress = READABLE[name]
    for content in (VIDEO, b" " * (3 * 2**20 + 1), b""):  # is not JSON, and so in an error
        assert play("POST", 200, content and compress(content), coding).end.content == content
    played = play("POST", 200, compress(JSON), coding)
    assert played.end == {"request_id": "1"}
    assert played.requests[0].headers["accept-encoding"] == "identity"


WHOLE = {"gzip": gzip.compress(JSON), "deflate": zlib.compress(JSON)}
# The name of a coding, what comes, and a part of what is said.
BROKEN: dict[str, tuple[str, bytes, str]] = {
    **{f"no {name}": (name, JSON, f"not {name}") for name in WHOLE},
    **{f"half a {name}": (name, WHOLE[name][:-3], "one whole") for name in WHOLE},
    **{f"more than a {name}": (name, WHOLE[name] + b"more", "one whole") for name in WHOLE},
}


@pytest.mark.parametrize(("coding", "content", "told"), BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_not_what_its_headers_say_is_kept_as_it_came(
    coding: str, content: bytes, told: str
) -> None:
    unknown = play("POST", 200, content, coding).end
    assert type(unknown) is errors.OutcomeUnknownError
    assert told in str(unknown)
    assert (unknown.status_code, unknown.content) == (200, content)
    refused = play("POST", 400, content, coding).end
    assert (type(refused), refused.content) == (errors.BadRequestError, content)
    assert type(play("GET", 200, content, coding).end) is errors.APIConnectionError


# What could become gigabytes in one step, or is compressed more than once.
@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip"])
def test_a_body_that_nobody_can_read_within_bounds_is_kept_as_it_came(coding: str) -> None:
    content = bytes(range(256)) * 3
    accepted, busy = (play("POST", code, content, coding).end for code in (200, 429))
    assert (type(accepted), accepted.content) == (errors.APIResponseValidationError, content)
    assert coding in str(accepted)
    assert (type(busy), busy.content) == (errors.RateLimitError, content)
    assert str(busy) == "429: Too Many Requests"


def test_a_few_bytes_do_not_become_gigabytes() -> None:
    content = gzip.compress(b" " * 30_000_000)
    tracemalloc.start()
    try:
        end = play("POST", 200, content, "gzip", max_response_size=1_000_000).end
        assert type(end) is errors.OutcomeUnknownError
        assert "more than 1000000 bytes" in str(end)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


COMPRESSED = responding(200, gzip.compress(b" " * 2000), Content_Encoding="gzip")


@pytest.mark.parametrize("fault", [responding(200, b" " * 2000), COMPRESSED])
def test_a_response_too_large_is_not_read_on(fault: Fault, mode: Mode, tmp_path: Path) -> None:
    with serving(fault) as server:
        client = partial(client_of, server.base_url)
        with pytest.raises(errors.OutcomeUnknownError, match="more than 1999 bytes"):
            create(mode, client(max_response_size=1999))
        with pytest.raises(errors.APIConnectionError, match="more than 1999 bytes"):
            mode.call(get_video, "sync", client(max_response_size=1999), "1")
        assert len(server.arrived) == 2
        with pytest.raises(errors.APIResponseValidationError):
            create(mode, client(max_response_size=2000))
        path = mode.call(None, "download", client(max_response_size=1), "/v", tmp_path / "v.mp4")
    assert path.stat().st_size == 2000
    with serving(responding(401, b" " * 2000)) as server, pytest.raises(errors.AuthenticationError):
        create(mode, client_of(server.base_url, max_response_size=1))
