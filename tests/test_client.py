"""The client object: what it refuses, what it shows, and how its sessions live."""

import asyncio
import copy
import os
import pickle
import re
import ssl
import threading
from typing import Any

import httpx
import pytest

from bodies import TEXT
from conftest import each_transport
from faults import OK, responding, serving
from grok_imagine_video import (
    AuthenticatedClient,
    Client,
    CreateVideoRequest,
    __version__,
    create_video,
    get_video,
    types,
)

TOKEN = "sk-secret-0123456789"
URL = "https://gateway.example"
BODY = CreateVideoRequest.from_dict(TEXT)

REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "token with a line break": ({"token": TOKEN + "\n"}, ValueError, "token must be printable"),
    "token with a NUL": ({"token": TOKEN + "\0"}, ValueError, "token must be printable"),
    "token beyond ASCII": ({"token": TOKEN + "é"}, ValueError, "token must be printable"),
    "token with a blank": ({"token": TOKEN + " "}, ValueError, "token must be printable"),
    "header name with a blank": (
        {"auth_header_name": "X Key"},
        ValueError,
        "must not contain blanks",
    ),
    "header name with a colon": ({"headers": {"X:A": "1"}}, ValueError, "must not contain blanks"),
    "header with a blank": ({"headers": {"X-A": " 1"}}, ValueError, "headers['X-A'] must be"),
    "empty token": ({"token": ""}, ValueError, "token must not be empty"),
    "no token": ({"token": None}, TypeError, "token must be str, not NoneType"),
    "prefix with a line break": ({"prefix": "A\r\nB:"}, ValueError, "prefix must be printable"),
    "header name": ({"auth_header_name": "A\nB"}, ValueError, "auth_header_name must be"),
    "header with a line break": (
        {"headers": {"X-A": TOKEN + "\r\nX-B: 1"}},
        ValueError,
        "headers['X-A'] must be printable",
    ),
    "header with a line break in its name": ({"headers": {"A\nB": ""}}, ValueError, "'headers'"),
    "header of another type": ({"headers": {"X-A": 1}}, TypeError, "headers['X-A'] must be str"),
    "cookie with a line break": ({"cookies": {"a": "b\n"}}, ValueError, "cookies['a'] must be"),
    "no scheme": ({"base_url": "gateway.example"}, ValueError, "base_url must start with https://"),
    "no host": ({"base_url": "https://"}, ValueError, "base_url must start with https://"),
    "no URL": ({"base_url": "https://a:b:c"}, ValueError, "base_url is not a URL"),
    "URL of another type": ({"base_url": None}, TypeError, "base_url is not a URL"),
    "credentials in the URL": (
        {"base_url": f"https://me:{TOKEN}@gateway.example"},
        ValueError,
        "base_url must not contain",
    ),
    "plain http": ({"base_url": "http://gateway.example"}, ValueError, "allow_plain_http=True"),
    "plain http to a network": ({"base_url": "http://10.0.0.1"}, ValueError, "allow_plain_http"),
    "plain http to a look-alike": ({"base_url": "http://127.0.0.1.example"}, ValueError, "plain"),
    "fewer than no retries": ({"max_retries": -1}, ValueError, "max_retries must be"),
    "retries of another type": ({"max_retries": True}, ValueError, "max_retries must be"),
}


@pytest.mark.parametrize(("arguments", "kind", "told"), REFUSED.values(), ids=REFUSED)
def test_wrong_arguments_are_refused_when_the_client_is_built(
    arguments: dict[str, Any], kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind) as refusal:
        AuthenticatedClient(**{"base_url": URL, "token": TOKEN} | arguments)
    assert told in str(refusal.value)
    assert TOKEN not in str(refusal.value) + repr(refusal.value)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:80",
        "http://127.8.9.1",
        "http://[::1]:80",
        "http://localhost",
        "http://a.localhost",
    ],
)
def test_plain_http_is_allowed_on_loopback(base_url: str) -> None:
    AuthenticatedClient(base_url, TOKEN)
    Client("http://gateway.example")
    AuthenticatedClient("http://gateway.example", TOKEN, allow_plain_http=True)


def test_no_repr_shows_a_secret() -> None:
    secret = {"X-Key": "secret-in-a-header"}
    client = AuthenticatedClient(
        URL,
        TOKEN,
        headers=secret,
        cookies={"a": "secret-in-a-cookie"},
        httpx_args={"auth": ("u", TOKEN)},
    )
    shown = repr(client) + str(client) + repr(client.get_httpx_client())
    assert TOKEN not in shown
    assert "secret" not in shown
    assert URL in repr(client)
    client.close()


def test_the_callers_dicts_are_copied_and_not_changed() -> None:
    headers, cookies, httpx_args = {"X-A": "1"}, {"a": "1"}, {"http2": False}
    with serving(OK) as server:
        client = AuthenticatedClient(
            server.base_url, TOKEN, headers=headers, cookies=cookies, httpx_args=httpx_args
        )
        headers["X-A"] = "2"
        cookies.clear()
        with client:
            create_video.sync(client=client, body=BODY)
    assert b"\r\nX-A: 1\r\n" in server.arrived[0]
    assert b"\r\nCookie: a=1\r\n" in server.arrived[0]
    assert (headers, cookies, httpx_args) == ({"X-A": "2"}, {}, {"http2": False})


def test_with_returns_a_new_client_and_does_not_change_the_old_one() -> None:
    with serving(OK) as server:
        old = AuthenticatedClient(server.base_url, TOKEN, headers={"X-A": "1"})
        create_video.sync(client=old, body=BODY)
        new = old.with_headers({"X-B": "2"}).with_cookies({"c": "3"}).with_timeout(7)
        for client in (old, new):
            create_video.sync(client=client, body=BODY)
        sessions = old.get_httpx_client(), new.get_httpx_client()
        old.close()
        new.close()
    _, by_old, by_new = server.arrived
    assert [text in by_old for text in (b"X-A: 1", b"X-B: 2", b"c=3")] == [True, False, False]
    assert [text in by_new for text in (b"X-A: 1", b"X-B: 2", b"c=3")] == [True, True, True]
    assert TOKEN.encode() in by_new
    assert sessions[0].timeout == httpx.Timeout(60, connect=10)
    assert sessions[1].timeout == httpx.Timeout(7)


def test_threads_that_share_a_client_share_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[httpx.Client] = []
    together = threading.Barrier(64)

    class Counted(httpx.Client):
        def __init__(self, **arguments: Any) -> None:
            made.append(self)
            super().__init__(**arguments)

    monkeypatch.setattr(httpx, "Client", Counted)
    client = Client(URL)

    def use() -> None:
        together.wait()
        client.get_httpx_client()

    threads = [threading.Thread(target=use) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    client.close()


def test_a_closed_client_cannot_be_used() -> None:
    async def use_after_close(client: Client) -> None:
        async with client:
            pass
        with pytest.raises(RuntimeError, match="this client is closed; make a new one"):
            await create_video.asyncio(client=client, body=BODY)
        await client.aclose()

    client = Client(URL)
    with client:
        pass
    with pytest.raises(RuntimeError, match="this client is closed; make a new one"):
        create_video.sync(client=client, body=BODY)
    client.close()
    never_used = Client(URL)
    never_used.close()
    with pytest.raises(RuntimeError, match="closed"):
        never_used.get_httpx_client()
    asyncio.run(use_after_close(Client(URL)))


PATHS = ["", "/", "/api", "/api/", "/a%20b/c", "/v1", "/v1/", "/api/v1", "/api/v1/", "/av1"]


@pytest.mark.parametrize("path", PATHS)
def test_a_base_url_may_have_a_path_a_version_and_a_slash_at_the_end(path: str) -> None:
    with serving(OK) as server, AuthenticatedClient(server.base_url + path, TOKEN) as client:
        create_video.sync(client=client, body=BODY)
    target = server.arrived[0].split()[1].decode()
    assert target == path.rstrip("/").removesuffix("/v1") + "/v1/videos/generations"


@pytest.mark.parametrize("headers", [{}, {"user-agent": "mine"}])
def test_the_user_agent_names_package_and_version(headers: dict[str, str]) -> None:
    with serving(OK) as server, Client(server.base_url, headers=headers) as client:
        create_video.sync(client=client, body=BODY)
    agents = re.findall(rb"(?i)\r\nuser-agent: (\S+)", server.arrived[0])
    assert agents == [b"mine" if headers else f"grok-imagine-video/{__version__}".encode()]


@each_transport
def test_a_client_works_in_a_second_event_loop(transport: Any) -> None:
    async def call() -> None:
        await create_video.asyncio(client=client, body=BODY)
        await client.get_async_httpx_client().aclose()  # nobody can once its loop is closed

    with serving(OK) as server:
        client = Client(server.base_url, async_transport=transport)
        client.get_async_httpx_client()  # outside of any loop
        for _ in range(2):
            asyncio.run(call())
    assert len(server.arrived) == len(server.connections) == 2


def test_after_a_fork_no_process_gets_the_responses_of_another() -> None:
    def respond(connection: Any) -> None:
        path = server.latest[connection].split()[1]
        responding(200, {"status": path.decode()})(connection)

    with serving(respond) as server, Client(server.base_url) as client:
        get_video.sync("parent", client=client)
        children = []
        for child in range(4):
            if (pid := os.fork()) == 0:
                right = all(
                    get_video.sync(f"{child}-{n}", client=client).status
                    == f"/v1/videos/{child}-{n}"
                    for n in range(50)
                )
                os._exit(0 if right else 1)
            children.append(pid)
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4


@pytest.mark.parametrize(
    ("arguments", "header"),
    [
        ({}, f"Authorization: Bearer {TOKEN}"),
        ({"prefix": ""}, f"Authorization: {TOKEN}"),
        ({"prefix": "Token", "auth_header_name": "X-Key"}, f"X-Key: Token {TOKEN}"),
    ],
)
def test_the_token_goes_into_the_chosen_header(arguments: dict[str, Any], header: str) -> None:
    with serving(OK) as server, AuthenticatedClient(server.base_url, TOKEN, **arguments) as client:
        create_video.sync(client=client, body=BODY)
    assert f"\r\n{header}\r\n".encode() in server.arrived[0]


def test_a_session_or_transport_of_the_caller_is_used() -> None:
    async def call() -> Any:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"by": "transport"}))
        async with Client(URL, async_transport=transport) as client:
            return await create_video.asyncio(client=client, body=BODY)

    session = httpx.Client(
        base_url=URL,
        transport=httpx.MockTransport(
            lambda request: httpx.Response(200, json={"token": request.headers["authorization"]})
        ),
    )
    with AuthenticatedClient(URL, TOKEN).set_httpx_client(session) as client:
        assert create_video.sync(client=client, body=BODY)["token"] == f"Bearer {TOKEN}"
    assert asyncio.run(call())["by"] == "transport"


again_each_way = pytest.mark.parametrize(
    "again", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy]
)


@again_each_way
def test_unset_is_one_object_and_models_stay_equal(again: Any) -> None:
    assert again(types.UNSET) is types.UNSET
    assert repr(types.UNSET) == "UNSET"
    assert not types.UNSET
    for body in (BODY, CreateVideoRequest.from_dict(TEXT | {"image": {"url": "u"}, "x": 1})):
        assert again(body) == body
        assert again(body).to_dict() == body.to_dict()
    assert "image=UNSET" in repr(BODY)


@again_each_way
def test_a_client_is_pickled_without_its_connections(again: Any) -> None:
    options: dict[str, Any] = {"headers": {"X-A": "1"}, "auth_header_name": "X-Key"}
    with serving(OK) as server, AuthenticatedClient(server.base_url, TOKEN, **options) as client:
        create_video.sync(client=client, body=BODY)
        with again(client) as other:
            create_video.sync(client=other, body=BODY)
        create_video.sync(client=client, body=BODY)
    assert len(server.arrived) == 3
    for request in server.arrived:
        assert b"X-A: 1\r\n" in request
        assert f"X-Key: Bearer {TOKEN}\r\n".encode() in request


def test_a_client_with_a_context_for_tls_is_copied_and_its_pickle_is_refused() -> None:
    context = ssl.create_default_context()
    given: list[dict[str, Any]] = [{"verify_ssl": context}, {"httpx_args": {"verify": context}}]
    for options in given:
        client = AuthenticatedClient(URL, TOKEN, **options)
        assert copy.copy(client).token == TOKEN
        with pytest.raises(TypeError, match=r"^verify.* is an ssl.SSLContext, which no pickle can"):
            pickle.dumps(client)
