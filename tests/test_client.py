"""The client object: what it refuses, what it shows, and how its sessions live."""

import asyncio
import copy
import os
import pickle
import re
import ssl
from collections.abc import Callable
from typing import Any

import attrs
import httpx
import httpx_aiohttp
import pytest

from bodies import TEXT
from conftest import BODY, TOKEN, create
from faults import OK, no_response, responding, serving
from grok_imagine_video import (
    AuthenticatedClient,
    Client,
    CreateVideoRequest,
    ImageInput,
    VideoJob,
    __version__,
    create_video,
    errors,
    get_video,
    types,
)
from playing import URL
from ways import Way

ELSEWHERE = "@gateway.example"
# An argument, values of it that are refused, and what the error says.
WRONG_TYPES: list[tuple[str, list[Any], str]] = [
    ("token", [None], "token must be str, not NoneType"),
    ("headers", [{"X-A": 1}], "headers['X-A'] must be str"),
    ("base_url", [None], "base_url is not a URL"),
    ("max_retries", [True], "'max_retries' must be int"),
    ("async_transport", ["aiohttpx", True], "async_transport must make"),
]
WRONG_VALUES: list[tuple[str, list[Any], str]] = [
    ("token", [TOKEN + end for end in ("\n", "\0", "é", " ")], "token must be printable"),
    ("token", [""], "token is missing: pass it, or set GROK_API_KEY"),
    ("prefix", ["A\r\nB:"], "prefix must be printable"),
    ("auth_header_name", ["X Key", "A\nB"], "auth_header_name must"),
    ("headers", [{"X:A": "1"}, {"A\nB": "1"}], "a name in headers must"),
    ("headers", [{"A": " 1"}, {"A": TOKEN + "\r\nB: 1"}], "headers['A'] must be"),
    ("cookies", [{"a": "b\n"}], "cookies['a'] must be"),
    ("base_url", ["a.example", "https://", URL + ":99999"], "must start with https://"),
    ("base_url", [f"{URL}/?key={TOKEN}", f"{URL}/#x"], "a user, a query or a fragment"),
    ("base_url", [f"https://me:word{ELSEWHERE}"], "a user, a query or a fragment"),
    *(
        ("base_url", [f"https://{wrong}"], "base_url is not a URL")
        for wrong in ("a:b:c", f"me:{TOKEN}{ELSEWHERE}", f"me:pass/word{ELSEWHERE}")
    ),
    ("base_url", ["http://10.0.0.1", "http://127.0.0.1.example"], "allow_plain_http=True"),
    ("timeout", [0, -1, 1e10, float("nan")], "'timeout.connect' must be"),
    ("timeout", [httpx.Timeout(5, read=1e10)], "'timeout.read' must be <= 1000000000.0"),
    ("max_retries", [-1], "'max_retries' must be >= 0"),
    ("async_transport", ["aiohttp"], "async_transport=httpx_aiohttp.AiohttpTransport"),
    ("httpx_args", [{"headers": {}}], "must not contain headers: pass headers= to the client"),
    ("httpx_args", [{"verify": False}], "must not contain verify: pass verify_ssl="),
    *(("httpx_args", [{name: None}], f"ignore {name}") for name in ("proxy", "limits", "http2")),
    ("verify_ssl", [False], "would ignore verify_ssl"),
]


@pytest.mark.parametrize(
    ("kind", "name", "values", "told"),
    [(TypeError, *row) for row in WRONG_TYPES] + [(ValueError, *row) for row in WRONG_VALUES],
)
def test_wrong_arguments_are_refused_when_the_client_is_built(
    kind: type[Exception], name: str, values: list[Any], told: str
) -> None:
    usual: dict[str, Any] = {"base_url": URL, "token": TOKEN}
    usual["async_transport"] = httpx.AsyncHTTPTransport
    for value in values:
        with pytest.raises(kind) as refusal:
            AuthenticatedClient(**usual | {name: value})
        assert told in str(refusal.value)
        assert TOKEN not in str(refusal.value) + repr(refusal.value)
        assert "//me:" not in str(refusal.value)


def test_wrong_overrides_are_refused_when_they_are_given() -> None:
    client = Client(URL)
    wrong: list[tuple[Any, Any]] = [
        (client.with_headers, {"A": "1\r\nB: 2"}),
        *((client.with_cookies, {"a": "b\n"}), (client.with_timeout, 0)),
    ]
    for override, value in wrong:
        with pytest.raises(ValueError, match="must be"):
            override(value)


def test_plain_http_is_allowed_on_loopback_without_a_token_and_on_request() -> None:
    for host in ("127.0.0.1:80", "127.8.9.1", "[::1]:80", "localhost", "a.localhost"):
        AuthenticatedClient(f"http://{host}", TOKEN)
    Client("http://gateway.example")
    AuthenticatedClient("http://gateway.example", TOKEN, allow_plain_http=True)


def test_no_repr_shows_a_secret() -> None:
    secrets: dict[str, Any] = {"headers": {"X-Key": "secret-1"}, "cookies": {"a": "secret-2"}}
    client = AuthenticatedClient(URL, TOKEN, httpx_args={"auth": ("u", TOKEN)}, **secrets)
    shown = repr(client) + str(client) + repr(client.get_httpx_client())
    assert TOKEN not in shown
    assert "secret" not in shown
    assert URL in repr(client)
    client.close()


def test_a_client_evolved_with_other_settings_connects_by_them(way: Way) -> None:
    with serving(OK) as server, serving(OK) as another:
        old = AuthenticatedClient(server.base_url, TOKEN)
        for client in (old, attrs.evolve(old, base_url=another.base_url)):
            create(way, client)
    assert len(server.arrived) == len(another.arrived) == 1


def test_a_session_of_the_callers_stays_with_an_evolved_client() -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as session:
        old = AuthenticatedClient(URL, TOKEN)
        old.set_httpx_client(session)
        assert attrs.evolve(old, timeout=5.0).get_httpx_client() is session
        with pytest.raises(TypeError, match="a session of yours"):  # a mock would be left out
            copy.copy(old)


def test_hooks_that_replace_ours_prove_nothing() -> None:
    def hook(response: httpx.Response) -> None:
        raise httpx.ConnectError("", request=response.request)

    with serving(OK) as server, Client(server.base_url) as client:
        client.get_httpx_client().event_hooks = {"response": [hook]}
        with pytest.raises(errors.OutcomeUnknownError):
            create_video.sync(client=client, body=BODY)
    assert len(server.arrived) == 1


def test_a_client_with_other_options_shares_connections_alone(way: Way) -> None:
    options: dict[str, Any] = {"headers": {"X-A": "1"}, "cookies": {"c": "1", "d": "5"}}
    with serving(OK, responding(307, Location="/x"), OK, no_response, OK, OK) as server:
        old = AuthenticatedClient(server.base_url, TOKEN, follow_redirects=True, **options)
        new = old.with_headers({"X-B": "2"}).with_cookies({"c": "3"})
        with way.using(new) as call:
            for client in (old, new):
                call(create_video, "sync", client=client, body=BODY)
            with pytest.raises(errors.OutcomeUnknownError):
                call(create_video, "sync", client=new.with_timeout(0.1), body=BODY)
            call(create_video, "sync", client=new.with_headers({"x-b": "4"}), body=BODY)
            call(create_video, "sync", client=old, body=BODY)
        with pytest.raises(RuntimeError, match="closed"):  # closing either closes both
            create(way, old)
    texts = b"x-b: 2", b"x-b: 4", b"c=1", b"c=3", b"d=5", b"x-a: 1"
    assert [[text in each.lower() for text in texts] for each in server.arrived] == [
        [False, False, True, False, True, True],
        *[[True, False, False, True, True, True]] * 3,  # a redirect is followed with the same
        [False, True, False, True, True, True],
        [False, False, True, False, True, True],
    ]
    assert len(server.connections) == (6 if way.closes else 2)  # one was lost to the timeout


def test_what_is_left_out_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^base_url is missing: pass it, or set GROK_BASE_URL$"):
        Client()
    monkeypatch.setenv("GROK_BASE_URL", URL)
    monkeypatch.setenv("GROK_API_KEY", "")
    with pytest.raises(ValueError, match=r"^token is missing: pass it, or set GROK_API_KEY$"):
        AuthenticatedClient()
    monkeypatch.setenv("GROK_API_KEY", "sk-secret-0123456789")
    client = AuthenticatedClient()
    assert (client.base_url, client.token) == (URL, "sk-secret-0123456789")
    assert AuthenticatedClient("https://other.example", "given").token == "given"
    monkeypatch.setenv("GROK_API_KEY", "sk secret\n")
    with pytest.raises(ValueError, match=r"^token must be printable ASCII[^:]*$"):
        AuthenticatedClient()


def test_a_closed_client_cannot_be_used(way: Way) -> None:
    client = Client(URL)
    with way.using(client) as call:
        for _ in range(2):
            call(None, "close")
            with pytest.raises(RuntimeError, match="this client is closed; make a new one"):
                call(create_video, "sync", body=BODY)
    client.close()
    with pytest.raises(RuntimeError, match="this client is closed"):
        client.get_httpx_client()  # which was never used if the way is not sync


PATHS = ["", "/", "/api", "/api/", "/a%20b/c", "/v1", "/v1/", "/api/v1", "/api/v1/", "/av1"]


def test_a_base_url_may_have_a_path_a_version_and_a_slash_at_the_end() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=str(request.url))

    for path in PATHS:
        client = Client(URL + path, httpx_args={"transport": httpx.MockTransport(echo)})
        found = path.rstrip("/").removesuffix("/v1") + "/v1/videos/generations"
        assert create_video.sync_detailed(client=client, body=BODY).content.decode() == URL + found


HEADERS: list[tuple[dict[str, Any], str]] = [
    ({}, f"Authorization: Bearer {TOKEN}"),
    ({"prefix": ""}, f"Authorization: {TOKEN}"),
    ({"prefix": "Token", "auth_header_name": "X-Key"}, f"X-Key: Token {TOKEN}"),
    ({}, f"User-Agent: grok-imagine-video/{__version__}"),
    ({"headers": {"user-agent": "mine"}}, "user-agent: mine"),
    ({"cookies": {"a": "1"}}, "Cookie: a=1"),
]


@pytest.mark.parametrize(("arguments", "header"), HEADERS)
def test_headers_are_sent_once_as_the_client_was_given_them(arguments: Any, header: str) -> None:
    given: dict[str, Any] = {"headers": {}, "cookies": {}, "httpx_args": {}} | arguments
    with serving(OK) as server:
        client = AuthenticatedClient(server.base_url, TOKEN, **given)
        given["headers"].clear()
        given["cookies"].clear()
        with client:
            create_video.sync(client=client, body=BODY)
    name = header.partition(":")[0]
    lines = server.arrived[0].decode().split("\r\n")
    assert [line for line in lines if line.lower().startswith(f"{name.lower()}:")] == [header]
    assert not given["httpx_args"]


@pytest.mark.parametrize("transport", [None, httpx_aiohttp.AiohttpTransport])
def test_a_client_works_in_a_second_event_loop(transport: Any) -> None:
    async def call() -> None:
        await create_video.asyncio(client=client, body=BODY)
        await client.get_async_httpx_client().aclose()  # nobody can once its loop is closed

    with serving(OK) as server:
        client = Client(server.base_url, async_transport=transport)
        with pytest.raises(RuntimeError, match="none of its event loops is running"):
            client.get_async_httpx_client()
        for _ in range(2):
            asyncio.run(call())
        assert len(client.sessions.by_loop) == 1  # not that of a closed loop
    assert len(server.arrived) == len(server.connections) == 2


@pytest.mark.parametrize("name", ["async_transport", "transport", "mounts"])
def test_a_transport_in_a_second_event_loop_is_refused_before_anything_is_sent(name: str) -> None:
    transport = httpx.AsyncHTTPTransport()
    transports = {"transport": transport, "mounts": {"http://": transport}}
    given: Any = {"httpx_args": {name: transports.get(name)}}
    if name == "async_transport":
        given = {name: transport}
    with serving(OK) as server, asyncio.Runner() as first:
        client = Client(server.base_url, **given)
        first.run(create_video.asyncio(client=client, body=BODY))
        for other in (client, copy.copy(client), Client(server.base_url, **given)):
            with pytest.raises(RuntimeError, match="pass a class or a function that makes one"):
                asyncio.run(create_video.asyncio(client=other, body=BODY))
        first.run(client.aclose())
        assert len(server.arrived) == 1


def test_a_transport_that_is_not_one_of_asyncio_is_refused_before_anything_is_sent() -> None:
    given: list[Any] = [{"async_transport": dict}, {"httpx_args": {"transport": OK}}]
    for each in given:
        client = Client(URL, **each)
        with pytest.raises(TypeError, match=r"must be an httpx\.AsyncBaseTransport"):
            asyncio.run(create_video.asyncio(client=client, body=BODY))


def test_without_an_event_loop_of_asyncio_nothing_is_sent() -> None:
    """Under trio, for example: here the coroutines are driven by hand."""
    client = Client(URL)
    begun = create_video.asyncio(client=client, body=BODY), client.asyncio_download("/", "v")
    for call in begun:
        with pytest.raises(RuntimeError, match="async functions need asyncio"):
            call.send(None)


# A variable of the environment, and its value; the error names the variable and not its password.
UNUSABLE = {
    **{"HTTP_PROXY": "http://me:s3cret@host:abc", "https_proxy": "socks4://me:s3cret@host"},
    **{"ALL_PROXY": "gopher://host", "NO_PROXY": "[::1]", "SSL_CERT_FILE": "/nonexistent"},
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_bad_variable_is_named(name: str, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ("NO_PROXY", "SSL_CERT_DIR"):
        monkeypatch.delenv(other, raising=False)
    if name == "NO_PROXY":  # read only beside a proxy
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv(name, UNUSABLE[name])
    with pytest.raises(ValueError, match=rf"^(ALL_PROXY or )?{name} cannot be used \(\w+\)$"):
        way.call(create_video, "sync", Client(URL), body=BODY)
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


@pytest.mark.parametrize("given", ["session", "httpx_args", "async_transport"])
def test_a_callers_session_or_transport_is_used_and_proves_nothing(given: str, way: Way) -> None:
    """httpx-aiohttp says `ConnectTimeout` of a connection that broke after the request had left."""
    sent: list[tuple[str, str]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append((str(request.url), request.headers["x-key"]))
        raise httpx.ConnectTimeout("", request=request)

    transport = httpx.MockTransport(respond)
    options: dict[str, Any] = {"httpx_args": {"transport": transport}}
    if given == "async_transport" and not way.is_sync:
        options = {given: transport}
    client = AuthenticatedClient(URL, TOKEN, auth_header_name="X-Key", **options)
    if given == "session":  # it need not know where the API is
        client = AuthenticatedClient(URL, TOKEN, auth_header_name="X-Key")
        client.set_httpx_client(httpx.Client(transport=transport))
        client.set_async_httpx_client(httpx.AsyncClient(transport=transport))
    with pytest.raises(errors.OutcomeUnknownError):
        create(way, client)
    assert sent == [(f"{URL}/v1/videos/generations", f"Bearer {TOKEN}")]


AGAIN = [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy]
again_each_way = pytest.mark.parametrize("again", AGAIN)


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
    client = AuthenticatedClient(URL, TOKEN, verify_ssl=ssl.create_default_context())
    assert copy.copy(client).token == TOKEN
    with pytest.raises(TypeError, match="cannot pickle 'SSLContext' object"):
        pickle.dumps(client)


def slip(**fields: Any) -> Any:
    return create_video.sync(client=Client(URL), body=CreateVideoRequest(**{**TEXT, **fields}))


JOB: Any = VideoJob.from_dict({})
# What people write who come from other packages, and the way that the error names.
SLIPS: dict[str, Callable[[], Any]] = {
    "pass get_video.result(job)": lambda: Client(URL).download(JOB, "v.mp4"),
    "write ImageInput(url=...), or ImageInput.from_file(...)": lambda: slip(
        image="https://host/lake.png"
    ),
    "write ImageInput(...)": lambda: slip(image=ImageInput),
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
