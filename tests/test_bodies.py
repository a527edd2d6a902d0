"""Bodies of responses: compressed or not, whole or not, and never more than is allowed."""

import contextlib
import gzip
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import BODY, client_of
from faults import Fault, responding, serving
from grok_imagine_video import _bodies, create_video, errors, get_video
from ways import Way

JSON = b'{"request_id": "1"}'
VIDEO = bytes(range(256)) * 9000  # more than is decompressed at once, and it does not shrink much


def raw_deflate(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(content) + stream.flush()


def two_members(content: bytes) -> bytes:
    return gzip.compress(content[:5]) + gzip.compress(content[5:])


# The name of a coding, and what compresses.
READABLE: dict[str, tuple[str, Any]] = {
    **{"gzip": ("gzip", gzip.compress), "x-gzip": ("X-GZIP", gzip.compress)},
    **{"two members": ("gzip", two_members), "identity, too": ("identity, gzip", gzip.compress)},
    **{"deflate": ("deflate", zlib.compress), "raw deflate": ("deflate", raw_deflate)},
    **{name: (name, bytes) for name in ("", "identity", "aws-chunked", "utf-8", "binary, utf-8")},
}


@pytest.mark.parametrize("name", READABLE)
def test_a_body_is_read_however_it_is_compressed_and_cut(name: str, way: Way) -> None:
    coding, compress = READABLE[name]
    headers = httpx.Headers({"Content-Encoding": coding})
    for content in (JSON, VIDEO, b" " * 3_000_000):
        data = compress(content)
        assert _bodies.decoded(headers, data, len(content)) == content
        for size in (1, 2, 3, 60_000):
            decoder = _bodies.Decoder(headers)
            cut = (data[start : start + size] for start in range(0, min(len(data), 70_000), size))
            pieces = [piece for chunk in cut for piece in decoder.feed(chunk)]
            assert content.startswith(b"".join(pieces))
            assert max(map(len, pieces), default=0) <= max(2**20, size)
    assert _bodies.decoded(headers, b"", 0) == b""
    with serving(responding(200, compress(JSON), Content_Encoding=coding)) as server:
        response = way.call(create_video, "sync", client_of(server.base_url), body=BODY)
    assert response["request_id"] == "1"
    assert b"\r\nAccept-Encoding: identity\r\n" in server.arrived[0]


WHOLE = {"gzip": gzip.compress(JSON), "deflate": zlib.compress(JSON)}
# The name of a coding, what comes, and a part of what is said.
BROKEN: dict[str, tuple[str, bytes, str]] = {
    **{f"no {name}": (name, JSON, f"not {name}") for name in ("gzip", "deflate")},
    **{f"half a {name}": (name, WHOLE[name][:-3], "ends before") for name in WHOLE},
    **{f"more than a {name}": (name, WHOLE[name] + b"more", "is not") for name in WHOLE},
    **{"a byte": ("gzip", b"\x1f", "ends before"), "a sum": ("gzip", WHOLE["gzip"][:-8], "ends")},
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_body_that_is_not_what_its_headers_say_is_kept_as_it_came(
    name: str, way: Way, tmp_path: Path
) -> None:
    coding, content, told = BROKEN[name]
    fault = responding(200, content, Content_Encoding=coding)
    refused = responding(400, content, Content_Encoding=coding)
    with serving(fault, refused, fault) as server:
        client = client_of(server.base_url, max_retries=0)
        with way.using(client) as call:
            with pytest.raises(errors.OutcomeUnknownError, match=told) as raised:
                call(create_video, "sync", body=BODY)
            assert (raised.value.status_code, raised.value.content) == (200, content)
            with pytest.raises(errors.BadRequestError) as refusal:
                call(create_video, "sync", body=BODY)
            assert refusal.value.content == content
            with pytest.raises(errors.APIConnectionError, match=told):
                call(get_video, "sync", "1")
            with pytest.raises(errors.APIConnectionError, match=told):
                call(None, "download", "/v.mp4", tmp_path / "v.mp4")
    assert not list(tmp_path.iterdir())


# What could become gigabytes in one step, or is compressed more than once.
UNREADABLE = {
    **dict.fromkeys(("br", "zstd", "compress"), bytes(range(256)) * 3),
    **{"gzip, gzip": gzip.compress(gzip.compress(JSON)), "deflate, br": JSON},
}


@pytest.mark.parametrize("coding", UNREADABLE)
def test_a_body_that_nobody_can_read_within_bounds_is_kept_as_it_came(
    coding: str, way: Way, tmp_path: Path
) -> None:
    content = UNREADABLE[coding]
    faults = [responding(code, content, Content_Encoding=coding) for code in (200, 429, 200)]
    with serving(*faults) as server, way.using(client_of(server.base_url, max_retries=0)) as call:
        with pytest.raises(errors.APIResponseValidationError, match=coding) as raised:
            call(create_video, "sync", body=BODY)
        assert raised.value.content == content
        with pytest.raises(errors.RateLimitError) as busy:
            call(create_video, "sync", body=BODY)
        assert busy.value.content == content
        assert str(busy.value) == "status 429: Too Many Requests" or content == JSON
        response = call(create_video, "sync_detailed", body=BODY)
        assert (response.content, response.parsed) == (content, None)
        with pytest.raises(errors.APIResponseValidationError, match=coding) as refused:
            call(None, "download", "/v.mp4", tmp_path / "v.mp4")
        assert refused.value.content == content
    assert not list(tmp_path.iterdir())


def compressed(size: int) -> Fault:
    return responding(200, gzip.compress(b" " * size), Content_Encoding="gzip")


def test_a_few_bytes_do_not_become_gigabytes(way: Way) -> None:
    with serving(compressed(60_000_000)) as server:
        client = client_of(server.base_url, max_response_size=1_000_000)
        tracemalloc.start()
        try:
            with pytest.raises(errors.OutcomeUnknownError, match="more than 1000000 bytes"):
                way.call(create_video, "sync", client, body=BODY)
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("fault", [responding(200, b" " * 2000), compressed(2000)])
def test_a_response_that_is_too_large_is_not_read_on(
    fault: Fault, way: Way, tmp_path: Path
) -> None:
    with serving(fault) as server:
        client = client_of(server.base_url, max_response_size=1999)
        with pytest.raises(errors.OutcomeUnknownError, match="more than 1999 bytes"):
            way.call(create_video, "sync", client, body=BODY)
        client = client_of(server.base_url, max_response_size=1999)
        with pytest.raises(errors.APIConnectionError, match="more than 1999 bytes"):
            way.call(get_video, "sync", client, "1")
        assert len(server.arrived) == 2
        client = client_of(server.base_url, max_response_size=2000)
        with pytest.raises(errors.APIResponseValidationError):
            way.call(create_video, "sync", client, body=BODY)
        client = client_of(server.base_url, max_response_size=1)
        way.call(None, "download", client, "/v.mp4", tmp_path / "v.mp4")
    assert (tmp_path / "v.mp4").stat().st_size == 2000


PAGE = b"\xef\xbb\xbf \r\n<!DOCTYPE html><title>Log in</title>"
# What a download gets, and whether it is no video.
FILES: dict[str, tuple[bytes, str, bool]] = {
    **{"nothing": (b"", "video/mp4", True), "a login page": (PAGE, "text/html", True)},
    **{"JSON": (b'{"error": "expired"}', "application/problem+json; charset=utf-8", True)},
    **{
        "a list": (b" [1]", "APPLICATION/JSON", True),
        "XML": (b"<Error/>", "text/xml", True),
    },
    **{"a video of PHP": (VIDEO, "text/html; charset=UTF-8", False)},
    **{"a video that begins so": (b"<{[" + VIDEO, "video/mp4", False), "text": (PAGE, "", False)},
}


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_video_is_not_saved_as_one(
    name: str, is_compressed: bool, way: Way, tmp_path: Path
) -> None:
    content, kind, is_refused = FILES[name]
    (path := tmp_path / "v.mp4").write_bytes(b"yesterday's")
    fault = responding(200, content, Content_Type=kind)
    if is_compressed:
        gzipped = gzip.compress(content)
        fault = responding(200, gzipped, Content_Type=kind, Content_Encoding="gzip")
    failing: Any = pytest.raises(errors.APIResponseValidationError)
    expected: Any = failing if is_refused else contextlib.nullcontext()
    with serving(fault) as server, expected as raised:
        client = client_of(server.base_url, max_retries=1)
        way.call(None, "download", client, "/v.mp4", path)
    assert path.read_bytes() == (b"yesterday's" if is_refused else content)
    assert list(tmp_path.iterdir()) == [path]
    assert len(server.arrived) == (1 if content else 2)
    if is_refused:
        assert (raised.value.status_code, raised.value.content) == (200, content)
        assert raised.value.headers["content-type"] == kind


def test_of_a_large_page_only_the_beginning_is_kept(way: Way, tmp_path: Path) -> None:
    page = responding(200, b"{" * 200_000, Content_Type="text/html")
    failing = pytest.raises(errors.APIResponseValidationError)
    with serving(page) as server, failing as raised:
        way.call(None, "download", client_of(server.base_url), "/v.mp4", tmp_path / "v.mp4")
    assert raised.value.content == b"{" * 65_536
