"""The client object: what it refuses, what it shows, and how its sessions live."""

import asyncio
import copy
import os
import pickle
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import httpx
import httpx_aiohttp
import pytest

import grok_imagine_video as package
from conftest import BODY, TOKEN, create
from faults import OK, no_response, responding, serving
from grok_imagine_video import AuthenticatedClient, Client, create_video, errors, get_video
from making import load
from modes import Mode
from playing import URL

WRONG = load(Path(__file__).with_name("wrong.yaml"))


@pytest.mark.parametrize("row", WRONG["arguments"], ids=lambda row: row["told"])
def test_wrong_arguments_are_refused_when_a_client_is_made_or_changed(row: Any) -> None:
    usual: Any = {"base_url": URL, "token": TOKEN, "async_transport": httpx.AsyncHTTPTransport}

    def made_with(value: Any) -> AuthenticatedClient:
        return AuthenticatedClient(**usual | {row["name"]: value})

    for value in row["values"]:
        given = tuple(value) if isinstance(value, list) else value  # as httpx takes four timeouts
        for make in (made_with, getattr(Client(URL), f"with_{row['name']}", made_with)):
            with pytest.raises((TypeError, ValueError)) as refusal:
                make(given)
            assert type(refusal.value).__name__ == row.get("kind", "ValueError")
            assert row["told"] in str(refusal.value)
            assert "s3cret" not in str(refusal.value) + repr(refusal.value)


def test_plain_http_is_allowed_on_loopback_without_a_token_and_on_request() -> None:
    for host in ("127.0.0.1:80", "127.8.9.1", "[::1]:80", "localhost", "a.localhost"):
        AuthenticatedClient(f"http://{host}", TOKEN)
    Client("http://gateway.example")
    AuthenticatedClient("http://gateway.example", TOKEN, allow_plain_http=True)


def test_no_repr_shows_a_secret() -> None:
    secrets: dict[str, Any] = {"headers": {"X-Key": TOKEN}, "cookies": {"a": TOKEN}}
    client = AuthenticatedClient(URL, TOKEN, httpx_args={"auth": ("u", TOKEN)}, **secrets)
    assert TOKEN not in repr(client) + str(client) + repr(client.get_httpx_client())
    assert URL in repr(client)
    client.close()


def test_a_client_evolved_with_other_settings_connects_by_them(mode: Mode) -> None:
    with serving(OK) as server, serving(OK) as another:
        old = AuthenticatedClient(server.base_url, TOKEN)
        for client in (old, attrs.evolve(old, base_url=another.base_url)):
            create(mode, client)
    assert len(server.arrived) == len(another.arrived) == 1


def test_hooks_that_replace_ours_prove_nothing() -> None:
    def hook(response: httpx.Response) -> None:
        raise httpx.ConnectError("", request=response.request)

    async def asyncio_hook(response: httpx.Response) -> None:
        hook(response)

    async def create_with_a_hook() -> None:
        client.get_async_httpx_client().event_hooks = {"response": [asyncio_hook]}
        await create_video.asyncio(client=client, body=BODY)

    with serving(OK, OK) as server, Client(server.base_url) as client:
        client.get_httpx_client().event_hooks = {"response": [hook]}
        with pytest.raises(errors.OutcomeUnknownError):
            create_video.sync(client=client, body=BODY)
        with pytest.raises(errors.OutcomeUnknownError):
            asyncio.run(create_with_a_hook())
    assert len(server.arrived) == 2


def test_a_client_with_other_options_shares_connections_alone(mode: Mode) -> None:
    options: dict[str, Any] = {"headers": {"X-A": "1"}, "cookies": {"c": "1", "d": "5"}}
    with serving(OK, responding(307, Location="/x"), OK, no_response, OK, OK) as server:
        old = AuthenticatedClient(server.base_url, TOKEN, follow_redirects=True, **options)
        new = old.with_headers({"X-B": "2"}).with_cookies({"c": "3"})
        with mode.using(new) as call:
            for client in (old, new):
                call(create_video, "sync", client=client, body=BODY)
            with pytest.raises(errors.OutcomeUnknownError):
                call(create_video, "sync", client=new.with_timeout(0.1), body=BODY)
            for client in (new.with_headers({"x-b": "4"}), old):
                call(create_video, "sync", client=client, body=BODY)
        with pytest.raises(RuntimeError, match="closed"):  # closing either closes both
            create(mode, old)
    texts = b"x-b: 2", b"x-b: 4", b"c=1", b"c=3", b"d=5", b"x-a: 1"
    assert [[text in request.lower() for text in texts] for request in server.arrived] == [
        [False, False, True, False, True, True],
        *[[True, False, False, True, True, True]] * 3,  # a redirect is followed with the same
        [False, True, False, True, True, True],
        [False, False, True, False, True, True],
    ]
    assert len(server.connections) == (6 if mode.closes else 2)  # one was lost to the timeout


def test_what_is_left_out_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^base_url is missing: pass it, or set GROK_BASE_URL$"):
        Client()
    monkeypatch.setenv("GROK_BASE_URL", URL)
    for value, why in (("", "is missing: pass it, or set GROK_API_KEY"), ("s3cret\n", "[^:]+")):
        monkeypatch.setenv("GROK_API_KEY", value)
        with pytest.raises(ValueError, match=rf"^'?token'? {why}$"):
            AuthenticatedClient()
    monkeypatch.setenv("GROK_API_KEY", TOKEN)
    client = AuthenticatedClient()
    assert (client.base_url, client.token) == (URL, TOKEN)
    assert AuthenticatedClient("https://other.example", "given").token == "given"


def test_a_closed_client_cannot_be_used(mode: Mode) -> None:
    client = Client(URL)  # which was never used
    for _ in range(2):
        client.close()
        asyncio.run(client.aclose())
        with pytest.raises(RuntimeError, match="this client is closed; make a new one"):
            create(mode, client)
    client = Client(URL)
    client.get_httpx_client().close()
    with pytest.raises(RuntimeError, match="this client is closed; make a new one"):
        create_video.sync(client=client, body=BODY)


def test_a_base_url_may_have_a_path_a_version_and_a_slash_at_the_end() -> None:
    echo = httpx.MockTransport(lambda request: httpx.Response(200, text=str(request.url)))
    paths = ["", "/", "/api", "/api/", "/a%20b/c", "/v1", "/v1/", "/api/v1", "/api/v1/", "/av1"]
    for path in paths:
        client = Client(URL + path, httpx_args={"transport": echo})
        url = URL + path.rstrip("/").removesuffix("/v1") + "/v1/videos/generations"
        assert create_video.sync_detailed(client=client, body=BODY).content.decode() == url


HEADERS: list[tuple[dict[str, Any], str]] = [
    ({}, f"Authorization: Bearer {TOKEN}"),
    ({"prefix": ""}, f"Authorization: {TOKEN}"),
    ({"prefix": "Token", "auth_header_name": "X-Key"}, f"X-Key: Token {TOKEN}"),
    ({}, f"User-Agent: grok-imagine-video/{package.__version__}"),
    ({"headers": {"user-agent": "mine"}}, "user-agent: mine"),
    ({"cookies": {"a": "1"}}, "Cookie: a=1"),
]


@pytest.mark.parametrize(("arguments", "header"), HEADERS)
def test_headers_are_sent_once_as_given(arguments: Any, header: str, mode: Mode) -> None:
    given = copy.deepcopy({"headers": {}, "cookies": {}, "httpx_args": {}} | arguments)
    with serving(OK) as server:
        client = AuthenticatedClient(server.base_url, TOKEN, **given)
        given["headers"].clear()
        given["cookies"].clear()
        create(mode, client)
    start = header[: header.index(":") + 1].lower()
    lines = server.arrived[0].decode().split("\r\n")
    assert [line for line in lines if line.lower().startswith(start)] == [header]
    assert not given["httpx_args"]


@pytest.mark.parametrize("transport", [None, httpx_aiohttp.AiohttpTransport])
def test_a_client_works_in_a_second_event_loop(transport: Any) -> None:
    async def call() -> None:
        await create_video.asyncio(client=client, body=BODY)
        await client.get_async_httpx_client().aclose()  # nobody can once its loop is closed

    with serving(OK) as server:
        client = Client(server.base_url, async_transport=transport)
        for _ in range(2):
            asyncio.run(call())
        assert len(client.sessions.by_loop) == 1  # not that of a closed loop
    assert len(server.arrived) == len(server.connections) == 2


# Where a client can be given a transport for asyncio.
PLACES: list[Callable[[Any], dict[str, Any]]] = [
    lambda transport: {"async_transport": transport},
    lambda transport: {"httpx_args": {"transport": transport}},
    lambda transport: {"httpx_args": {"mounts": {"http://": transport}}},
]


@pytest.mark.parametrize("given", PLACES)
def test_a_transport_of_another_kind_or_loop_is_refused_before_sending(given: Any) -> None:
    with serving(OK) as server, asyncio.Runner() as first:
        options = given(httpx.AsyncHTTPTransport())
        client = Client(server.base_url, **options)
        first.run(create_video.asyncio(client=client, body=BODY))
        for other in (client, copy.copy(client), Client(server.base_url, **options)):
            with pytest.raises(RuntimeError, match="pass a class or a function that makes one"):
                asyncio.run(create_video.asyncio(client=other, body=BODY))
        other = Client(server.base_url, **given(dict))
        with pytest.raises(TypeError, match=r"must be an httpx\.AsyncBaseTransport"):
            asyncio.run(create_video.asyncio(client=other, body=BODY))
        first.run(client.aclose())
        assert len(server.arrived) == 1


def test_without_an_event_loop_of_asyncio_nothing_is_sent() -> None:
    """Under trio, for example: here the coroutines are driven by hand."""
    client = Client(URL)
    for call in (create_video.asyncio(client=client, body=BODY), client.asyncio_download("/", "v")):
        with pytest.raises(RuntimeError, match="async functions need asyncio, and none of its"):
            call.send(None)


@pytest.mark.parametrize("name", WRONG["variables"])
def test_a_bad_variable_is_named(name: str, mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ("NO_PROXY", "SSL_CERT_DIR"):
        monkeypatch.delenv(other, raising=False)
    if name == "NO_PROXY":  # read only beside a proxy
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv(name, WRONG["variables"][name])
    with pytest.raises(ValueError, match=rf"^(ALL_PROXY or )?{name} cannot be used \(\w+\)$"):
        mode.call(create_video, "sync", Client(URL), body=BODY)
    Client(URL, httpx_args={"trust_env": False}).get_httpx_client().close()


def test_after_a_fork_no_process_uses_the_connections_of_another() -> None:
    with serving(OK) as server, Client(server.base_url) as client:
        get_video.sync("1", client=client)
        if (child := os.fork()) == 0:
            try:
                os._exit(get_video.sync("2", client=client) is None)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
    assert len(server.connections) == 2


@pytest.mark.parametrize("given", ["session", "away", "httpx_args", "async_transport"])
def test_a_callers_session_or_transport_is_used_and_proves_nothing(given: str, mode: Mode) -> None:
    """httpx-aiohttp says `ConnectTimeout` of a connection that broke after the request had left."""
    sent: list[tuple[str, str | None]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append((str(request.url), request.headers.get("x-key")))
        raise httpx.ConnectTimeout("", request=request)

    transport = httpx.MockTransport(respond)
    url = "https://away.example" if given == "away" else URL
    options: Any = {} if given in ("session", "away") else {"httpx_args": {"transport": transport}}
    if given == "async_transport" and not mode.is_sync:
        options = {given: transport}
    client = AuthenticatedClient(URL, TOKEN, auth_header_name="X-Key", **options)
    if not options:  # the session need not know where the API is, or has an address of its own
        own: Any = {"transport": transport} | ({"base_url": url} if given == "away" else {})
        client.set_httpx_client(httpx.Client(**own))
        client.set_async_httpx_client(httpx.AsyncClient(**own))
        client = attrs.evolve(client, timeout=5.0)
        with pytest.raises(TypeError, match="a session of yours"):  # a mock would be left out
            copy.copy(client)
    with pytest.raises(errors.OutcomeUnknownError):
        create(mode, client)
    token = None if given == "away" else f"Bearer {TOKEN}"
    assert sent == [(f"{url}/v1/videos/generations", token)]


AGAIN = [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy]


@pytest.mark.parametrize("again", AGAIN)
def test_a_client_is_pickled_without_its_connections(again: Any) -> None:
    options: dict[str, Any] = {"headers": {"X-A": "1"}, "auth_header_name": "X-Key"}
    if again is copy.copy:  # it cannot be pickled
        options["verify_ssl"] = ssl.create_default_context()
    with serving(OK) as server, AuthenticatedClient(server.base_url, TOKEN, **options) as client:
        create_video.sync(client=client, body=BODY)
        with again(client) as other:
            create_video.sync(client=other, body=BODY)
        create_video.sync(client=client, body=BODY)
    assert len(server.arrived) == 3
    for request in server.arrived:
        assert b"X-A: 1\r\n" in request
        assert f"X-Key: Bearer {TOKEN}\r\n".encode() in request


# What people write who come from other packages, and the way that the error names.
SLIPS: dict[str, Callable[[], Any]] = {
    "pass get_video.result(job)": lambda: Client(URL).download(package.VideoJob(), "v.mp4"),  # type: ignore[arg-type]
    "ImageInput(url=...), or ImageInput.from_file(...)": lambda: attrs.evolve(BODY, image="u"),  # type: ignore[arg-type]
    "write ImageInput(...)": lambda: attrs.evolve(BODY, image=package.ImageInput),  # type: ignore[arg-type]
    "pass token=": lambda: AuthenticatedClient(api_key=TOKEN),  # type: ignore[call-arg]
    "call create_video.sync(client=client, ...)": lambda: Client(URL).videos.create(),  # type: ignore[attr-defined]
    "pass what wait or sync returned": lambda: get_video.result("1"),  # type: ignore[arg-type]
    "not AsyncClient": lambda: Client(URL).set_httpx_client(httpx.AsyncClient()),  # type: ignore
    "write Client(...)": lambda: get_video.sync("1", client=Client),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("hint", SLIPS)
def test_a_slip_names_the_right_way(hint: str) -> None:
    with pytest.raises((AttributeError, TypeError), match=re.escape(hint)):
        SLIPS[hint]()
