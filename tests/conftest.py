import copy
import json
import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from attrs import define, field
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from tblib import pickling_support  # type: ignore[import-untyped]

import relay
from bodies import TEXT
from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, _drivers, errors
from ways import WAYS, Clock, Way

# Dask does this when it is imported: it makes exceptions pickle with their causes.
pickling_support.install()

TOKEN = "a-token/of-the-tests"
BODY = CreateVideoRequest.from_dict(TEXT)

# For tests of what only tasks can do, or of what is slow.
each_async_way = pytest.mark.parametrize("way", WAYS[1:], indirect=True, ids=lambda way: way.name)


def client_of(base_url: str, **options: Any) -> AuthenticatedClient:
    """A client that soon gives up."""
    return AuthenticatedClient(base_url, TOKEN, **{"timeout": httpx.Timeout(0.3)} | options)


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
def way(request: pytest.FixtureRequest) -> Way:
    """Runs the test three times: sync, asyncio on httpx, asyncio on aiohttp."""
    found: Way = request.param
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """No test sleeps between two requests."""
    clock = Clock(monkeypatch)
    clock.rule(_drivers)
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
    """An ASGI application that records every request before it passes it to another."""

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

        return await self.app(scope, receive_again, send)


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


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches a gateway or a proxy of its user, or sleeps until a relay's job has ended."""
    for name in ("GROK_BASE_URL", "GROK_API_KEY", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e-6)


def compact(value: object) -> bytes:
    """JSON as httpx encodes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
