import json
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define, field
from starlette.types import ASGIApp, Receive, Scope, Send
from tblib import pickling_support  # type: ignore[import-untyped]

import relay
from grok_imagine_video import AuthenticatedClient, _drivers
from ways import WAYS, Clock, Way

# Dask does this when it is imported: it makes exceptions pickle with their causes.
pickling_support.install()

TOKEN = "a-token-of-the-tests"

each_transport = pytest.mark.parametrize("transport", [None, "aiohttp"], ids=["httpx", "aiohttp"])


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


@pytest.fixture(autouse=True)
def _jobs_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sleeps until a job of the relay has ended."""
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e-6)


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
        messages = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = b"".join(message["body"] for message in messages)
        self.arrived.append(Arrived(scope["method"], scope["path"], headers, body))
        replay = iter(messages)

        async def receive_again() -> Any:
            return next(replay, None) or await receive()

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
    """No test may reach a paid gateway or a proxy through the environment of its user."""
    for name in ("GROK_BASE_URL", "GROK_API_KEY", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")


def compact(value: object) -> bytes:
    """JSON as httpx encodes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
