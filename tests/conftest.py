import copy
import json
import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import trustme
from attrs import define
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response
from tblib import pickling_support  # type: ignore[import-untyped]

import faults
import relay
from bodies import TEXT
from grok_imagine_video import (
    AuthenticatedClient,
    Client,
    CreateVideoRequest,
    CreateVideoResponse,
    create_video,
    errors,
)
from modes import MODES, Clock, Mode

# Dask does this when it is imported: it makes exceptions pickle with their causes.
pickling_support.install()

TOKEN = "a-token/of-the-tests"
BODY = CreateVideoRequest.from_dict(TEXT)


def client_of(base_url: str, **options: Any) -> AuthenticatedClient:
    """A client that soon gives up when no response comes."""
    timeout = httpx.Timeout(0.5, connect=5, pool=5)
    return AuthenticatedClient(base_url, TOKEN, **{"timeout": timeout} | options)


def limited_to(
    number: int | None, base_url: str, max_retries: int = 0, **timeouts: Any
) -> AuthenticatedClient:
    """A client that has so many connections at most, and waits long for one, but not for ever."""
    args = {"limits": httpx.Limits(max_connections=number)}
    timeout = httpx.Timeout(**{"timeout": 30, "pool": 5} | timeouts)
    return client_of(base_url, timeout=timeout, max_retries=max_retries, httpx_args=args)


def create(mode: Mode, client: Client, body: CreateVideoRequest = BODY) -> CreateVideoResponse:
    """Create a video, and close the client."""
    response: CreateVideoResponse = mode.call(create_video, "sync", client, body=body)
    return response


def assert_well_made(error: Exception) -> None:
    """One useful line without the token, and the same again from a pickle or a copy."""
    assert isinstance(error, errors.APIError)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert (str(again), vars(again)) == (str(error), vars(error))
    assert str(type(error)(*error.args)) == str(error)  # as pickle makes it without tblib
    assert 10 < len(str(error)) <= 500
    assert str(error).isprintable()
    assert "<html" not in str(error)
    assert TOKEN not in str(error) + repr(error) + repr(vars(error))
    assert TOKEN.encode() not in pickle.dumps(error)
    assert TOKEN not in "".join(traceback.format_exception(error))


@pytest.fixture(params=MODES.values(), ids=[*MODES])
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Mode:
    """Runs the test in each of the modes."""
    chosen: Mode = request.param
    monkeypatch.setattr(faults, "closes", chosen.closes)
    return chosen


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """No test sleeps between two requests."""
    return Clock(monkeypatch)


@define
class Arrived:
    """A request as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="session")
def _server() -> Iterator[tuple[str, list[Arrived]]]:
    """The relay, which notes its requests and closes a connection after every second response."""
    arrived: list[Arrived] = []

    async def record(request: Request, respond: RequestResponseEndpoint) -> Response:
        sent = request.method, request.url.path, dict(request.headers), await request.body()
        arrived.append(Arrived(*sent))
        response = await respond(request)
        if len(arrived) % 2:
            response.headers["connection"] = "close"
        return response

    app = relay.create_app(TOKEN)
    app.add_middleware(BaseHTTPMiddleware, dispatch=record)
    with relay.running(app) as base_url:
        yield base_url, arrived


@pytest.fixture
def base_url(_server: tuple[str, list[Arrived]]) -> str:
    return _server[0]


@pytest.fixture
def arrived(_server: tuple[str, list[Arrived]]) -> list[Arrived]:
    """The requests that reached the relay in this test."""
    _server[1].clear()
    return _server[1]


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
