import copy
import json
import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import trustme
from attrs import define, field
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from tblib import pickling_support  # type: ignore[import-untyped]

import faults
import relay
from bodies import TEXT
from grok_imagine_video import (
    AuthenticatedClient,
    Client,
    CreateVideoRequest,
    CreateVideoResponse,
    _io,
    create_video,
    errors,
)
from ways import ASYNC_WAYS, WAYS, Clock, Way

# Dask does this when it is imported: it makes exceptions pickle with their causes.
pickling_support.install()

TOKEN = "a-token/of-the-tests"
BODY = CreateVideoRequest.from_dict(TEXT)

# For tests of what only tasks can do.
each_async_way = pytest.mark.parametrize("way", ASYNC_WAYS, indirect=True, ids=lambda way: way.name)

# For tests in which it makes no difference whether the server keeps its connections.
sync_and_asyncio = pytest.mark.parametrize("way", WAYS[:2], indirect=True, ids=lambda way: way.name)


def client_of(base_url: str, **options: Any) -> AuthenticatedClient:
    """A client that soon gives up when no response comes."""
    timeout = httpx.Timeout(0.5, connect=5, pool=5)
    return AuthenticatedClient(base_url, TOKEN, **{"timeout": timeout} | options)


def create(way: Way, client: Client, body: CreateVideoRequest = BODY) -> CreateVideoResponse:
    """Create a video, and close the client."""
    response: CreateVideoResponse = way.call(create_video, "sync", client, body=body)
    return response


def assert_well_made(error: Exception) -> None:
    """One useful line without the token, and the same again from a pickle or a copy."""
    assert isinstance(error, errors.APIError)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert (str(again), vars(again)) == (str(error), vars(error))
    assert 10 < len(str(error)) <= 500
    assert str(error).isprintable()
    assert "<html" not in str(error)
    assert TOKEN not in str(error) + repr(error) + repr(vars(error))
    assert TOKEN.encode() not in pickle.dumps(error)
    assert TOKEN not in "".join(traceback.format_exception(error))


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Way:
    """Runs the test in each of the ways."""
    found: Way = request.param
    monkeypatch.setattr(faults, "closes", found.closes)
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """No test sleeps between two requests."""
    clock = Clock(monkeypatch)
    clock.rule(_io)
    return clock


@define
class Arrived:
    """A request as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@define
class Recorder:
    """An ASGI application that records every request before it passes it to another.

    The server closes the connection after every second response.
    """

    app: ASGIApp
    arrived: list[Arrived] = field(factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = Request(scope, receive)
        body = await request.body()
        headers = dict(request.headers)
        self.arrived.append(Arrived(request.method, request.url.path, headers, body))
        again = iter([{"type": "http.request", "body": body}])

        async def receive_again() -> Any:
            return next(again, None) or await receive()

        async def send_and_close(message: Any) -> None:
            if message["type"] == "http.response.start" and len(self.arrived) % 2:
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        return await self.app(scope, receive_again, send_and_close)


@pytest.fixture(scope="session")
def _server() -> Iterator[tuple[str, Recorder]]:
    recorder = Recorder(relay.create_app(TOKEN))
    with relay.running(recorder) as base_url:
        yield base_url, recorder


@pytest.fixture
def base_url(_server: tuple[str, Recorder]) -> str:
    return _server[0]


@pytest.fixture
def arrived(_server: tuple[str, Recorder]) -> list[Arrived]:
    """The requests that reached the relay in this test."""
    _server[1].arrived.clear()
    return _server[1].arrived


@pytest.fixture
def client(base_url: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=base_url, token=TOKEN)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, str]:
    """Who signs the certificates that are trusted in tests, and the file that says so."""
    authority, path = trustme.CA(), str(tmp_path_factory.mktemp("tls") / "ca.pem")
    authority.cert_pem.write_to_path(path)
    return authority, path


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, authority: tuple[trustme.CA, str]) -> None:
    """No test reaches a gateway or a proxy of its user, or sleeps until a relay's job has ended.

    A client takes 20 ms to read the usual certificates, and a hundredth of that to read one.
    """
    monkeypatch.setenv("SSL_CERT_FILE", authority[1])
    for name in ("GROK_BASE_URL", "GROK_API_KEY", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e-6)


def compact(value: object) -> bytes:
    """JSON as httpx encodes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
