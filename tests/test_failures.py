"""What a caller gets when a call goes wrong, and how many requests the server has got by then."""

import asyncio
import contextlib
import copy
import datetime
import gc
import logging
import pickle
import random
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from attrs import evolve

from bodies import TEXT
from conftest import each_transport
from faults import (
    OK,
    Fault,
    Server,
    answering,
    dripping,
    hang_up,
    no_answer,
    reset,
    saying,
    serving,
)
from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, create_video, errors
from making import document, made_from

TOKEN = "sk-secret-0123456789"
BODY = CreateVideoRequest.from_dict(TEXT)
TIMEOUT = httpx.Timeout(0.3)

Call = Callable[..., Any]


def call_sync(client: AuthenticatedClient, operation: Any = create_video, **arguments: Any) -> Any:
    with client:
        return operation.sync(client=client, **(arguments or {"body": BODY}))


def call_async(client: AuthenticatedClient, operation: Any = create_video, **arguments: Any) -> Any:
    async def call() -> Any:
        async with client:
            return await operation.asyncio(client=client, **(arguments or {"body": BODY}))

    return asyncio.run(call())


def call_aiohttp(client: AuthenticatedClient, *operation: Any, **arguments: Any) -> Any:
    return call_async(evolve(client, async_transport="aiohttp"), *operation, **arguments)


each_way = pytest.mark.parametrize("call", [call_sync, call_async, call_aiohttp])


class Waiting:
    """What happens where the package would wait between two attempts; nothing is waited for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slept: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None
        monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=self._sleep))
        monkeypatch.setattr("stamina._core._smart_sleep", self._asyncio_sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.meanwhile()

    async def _asyncio_sleep(self, seconds: float) -> None:
        self._sleep(seconds)
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    return Waiting(monkeypatch)


def client_of(base_url: str, **arguments: Any) -> AuthenticatedClient:
    return AuthenticatedClient(base_url, TOKEN, **{"timeout": TIMEOUT} | arguments)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
FAULTS: dict[str, tuple[Fault, type[Exception] | None, int]] = {
    "no answer": (no_answer, errors.OutcomeUnknownError, 1),
    "hung up": (hang_up, errors.OutcomeUnknownError, 1),
    "reset": (reset, errors.OutcomeUnknownError, 1),
    "cut in the header": (saying(HEAD), errors.OutcomeUnknownError, 1),
    "reset in the header": (saying(HEAD, then=reset), errors.OutcomeUnknownError, 1),
    "cut in the body": (
        saying(HEAD + b"Content-Length: 99\r\n\r\n", b'{"request_id":'),
        errors.OutcomeUnknownError,
        1,
    ),
    "cut between chunks": (
        saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n"),
        errors.OutcomeUnknownError,
        1,
    ),
    "slow drip": (dripping(b'{"request_id": "1"}'), None, 1),
    "slow drip that stops": (
        dripping(b'{"request_id"', then=no_answer),
        errors.OutcomeUnknownError,
        1,
    ),
    "body stops coming": (
        saying(HEAD + b"Content-Length: 99\r\n\r\n", b"{", then=no_answer),
        errors.OutcomeUnknownError,
        1,
    ),
    "wrongly compressed": (
        saying(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n", b"junk"),
        errors.OutcomeUnknownError,
        1,
    ),
    "garbage bytes": (saying(b"\x00\xff\x16\x03 garbage\r\n\r\n"), errors.OutcomeUnknownError, 1),
    "only an informational status": (
        saying(b"HTTP/1.1 103 Early Hints\r\n\r\n", then=no_answer),
        errors.OutcomeUnknownError,
        1,
    ),
    "silent success": (saying(HEAD + b"\r\n"), errors.APIResponseValidationError, 1),
    "HTML": (answering(200, b"<html><title>Hi</title>"), errors.APIResponseValidationError, 1),
    "null": (answering(200, None), errors.APIResponseValidationError, 1),
    "list": (answering(200, []), errors.APIResponseValidationError, 1),
    "number": (answering(200, 4), errors.APIResponseValidationError, 1),
    "no UTF-8": (answering(200, b'{"a": "\xff"}'), errors.APIResponseValidationError, 1),
    "half of it": (answering(200, b'{"request_id": "1"'), errors.APIResponseValidationError, 1),
    "too deep": (answering(200, b"[" * 10**6), errors.APIResponseValidationError, 1),
    "50 MB of junk": (answering(200, b"x" * 50_000_000), errors.APIResponseValidationError, 1),
    "50 MB of JSON": (answering(200, {"a": "x" * 50_000_000}), None, 1),
    "created": (answering(201, {"request_id": "1"}), None, 1),
    "refused for now": (answering(429), errors.RateLimitError, 3),
    "refused once": (answering(429), errors.RateLimitError, 3),
    "redirect": (answering(307, Location="/elsewhere"), errors.APIStatusError, 1),
    "redirect to nowhere": (answering(307, Location="http://[/"), errors.APIStatusError, 1),
    **{
        f"status {status}": (answering(status), errors.OutcomeUnknownError, 1)
        for status in (408, 502, 504, 520, 524)
    },
}


@each_way
@pytest.mark.parametrize(("fault", "error", "arrived"), FAULTS.values(), ids=FAULTS)
def test_a_post_is_not_sent_twice_and_its_failure_has_a_name(
    fault: Fault, error: type[Exception] | None, arrived: int, call: Call
) -> None:
    with serving(fault) as server:
        if error is None:
            assert call(client_of(server.base_url)).to_dict()
        else:
            with pytest.raises(error) as raised:
                call(client_of(server.base_url))
            assert type(raised.value) is error
            assert_well_made(raised.value)
    assert len(server.arrived) == arrived


def assert_well_made(error: Exception) -> None:
    """One useful line without the token, and the same again from a pickle or a copy."""
    assert isinstance(error, errors.GrokImagineVideoError)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert (str(again), vars(again)) == (str(error), vars(error))
    assert 10 < len(str(error)) <= 500
    assert len(str(error).splitlines()) == 1
    assert "<html" not in str(error)
    assert TOKEN not in str(error) + repr(error) + repr(vars(error))
    assert TOKEN.encode() not in pickle.dumps(error)


# A hundred of them, those with an error of their own and those that no table knows among them.
STATUSES = sorted(
    {*range(201, 600, 5), *range(400, 410), *range(520, 528), *(404, 422, 429, 599)}
    | {600, 666, 777, 999}
)


@each_way
def test_every_status_has_its_error_and_is_an_int(call: Call) -> None:
    assert len(STATUSES) >= 100
    by_status = {
        **{400: errors.BadRequestError, 401: errors.AuthenticationError},
        **{403: errors.PermissionDeniedError, 404: errors.NotFoundError},
        **{409: errors.ConflictError, 422: errors.UnprocessableEntityError},
        429: errors.RateLimitError,
    }
    for status in STATUSES:
        with serving(answering(status, {"error": {"message": "why"}})) as server:
            client = client_of(server.base_url, max_retries=0)
            if 200 <= status <= 299:
                if status not in (204, 205):
                    assert call(client)
                continue
            with pytest.raises(errors.GrokImagineVideoError) as raised:
                call(client)
        error = raised.value
        if status in (408, 502, 504, 520, 524):
            assert type(error) is errors.OutcomeUnknownError
        else:
            fallback = errors.InternalServerError if 500 <= status < 600 else errors.APIStatusError
            assert type(error) is by_status.get(status, fallback)
        assert (error.status_code, error.message, error.content) == (
            status,
            "why",
            b'{"error": {"message": "why"}}',
        )
        assert type(error.status_code) is int
        assert len(server.arrived) == 1


@contextlib.contextmanager
def nobody_listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def nobody_accepting() -> Iterator[str]:
    """A queue of connections that is full, so that the next one is never made."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as stack:
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"


@contextlib.contextmanager
def unknown_host() -> Iterator[str]:
    yield "https://no-such-host.invalid"


@contextlib.contextmanager
def refusing_proxy() -> Iterator[str]:
    yield "https://relay.example"


@each_way
@pytest.mark.parametrize("place", [nobody_listening, nobody_accepting, unknown_host])
@pytest.mark.parametrize("max_retries", [0, 2])
def test_what_was_never_sent_is_sent_again(
    place: Callable[[], contextlib.AbstractContextManager[str]],
    max_retries: int,
    call: Call,
    waiting: Waiting,
) -> None:
    with place() as base_url, pytest.raises(errors.APIConnectionError) as raised:
        call(client_of(base_url, max_retries=max_retries))
    assert_well_made(raised.value)
    assert isinstance(raised.value.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
    assert len(waiting.slept) == max_retries
    assert all(0.5 <= seconds <= 8 for seconds in waiting.slept)


@each_way
def test_a_proxy_that_refuses_has_sent_nothing(call: Call) -> None:
    with serving(answering(407)) as proxy:
        client = client_of("https://relay.example", httpx_args={"proxy": proxy.base_url})
        with pytest.raises(errors.APIConnectionError, match="nothing was sent"):
            call(client)
    assert len(proxy.arrived) == 3
    assert all(request.startswith(b"CONNECT ") for request in proxy.arrived)


@each_way
def test_a_server_that_comes_up_meanwhile_gets_one_post(call: Call, waiting: Waiting) -> None:
    started: list[Server] = []
    with nobody_listening() as base_url, contextlib.ExitStack() as stack:
        port = int(base_url.rpartition(":")[2])
        waiting.meanwhile = lambda: started.append(stack.enter_context(serving(OK, port=port)))
        assert call(client_of(base_url))["request_id"] == "1"
    assert [len(server.arrived) for server in started] == [1]


RETRY_AFTER = {
    "seconds": ("3", 3, 3),
    "fraction": ("0.5", 0.5, 0.5),
    "none": ("0", 0, 0),
    "negative": ("-5", 0, 0),
    "IMF-fixdate": ("%a, %d %b %Y %H:%M:%S GMT", 28, 30),
    "RFC 850": ("%A, %d-%b-%y %H:%M:%S GMT", 28, 30),
    "asctime": ("%a %b %e %H:%M:%S %Y", 28, 30),
    "date gone by": ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0),
    "hostile": ("999999999", 60, 60),
    "hostile digits": ("9" * 4000, 60, 60),
    "infinite": ("inf", 60, 60),
    "far date": ("Fri, 31 Dec 9999 23:59:59 GMT", 60, 60),
    "no number": ("nan", 0.5, 1.5),
    "nonsense": ("soon", 0.5, 1.5),
    "date of no zone": ("Mon, 01 Jan 2024 00:00:00 XYZ", 0, 0),
    "date of an impossible zone": ("Mon, 01 Jan 2024 00:00:00 +2500", 0, 0),
    "empty": ("", 0.5, 1.5),
}


@each_way
@pytest.mark.parametrize(("value", "least", "most"), RETRY_AFTER.values(), ids=RETRY_AFTER)
def test_a_429_is_waited_out_as_the_server_asks_and_no_longer(
    value: str, least: float, most: float, call: Call, waiting: Waiting
) -> None:
    in_half_a_minute = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    with serving(answering(429, Retry_After=in_half_a_minute.strftime(value)), OK) as server:
        assert call(client_of(server.base_url))["request_id"] == "1"
    assert len(server.arrived) == 2
    (waited,) = waiting.slept
    assert least <= waited <= most


@each_way
@pytest.mark.parametrize(("max_retries", "arrived"), [(0, 1), (1, 2), (5, 6)])
def test_max_retries_bounds_the_requests(
    max_retries: int, arrived: int, call: Call, waiting: Waiting
) -> None:
    refusal = pytest.raises(errors.RateLimitError)
    with serving(answering(429, Retry_After="7")) as server, refusal as raised:
        call(client_of(server.base_url, max_retries=max_retries))
    assert len(server.arrived) == arrived
    assert waiting.slept == [7] * max_retries
    assert raised.value.retry_after == 7


def detailed_sync(client: AuthenticatedClient) -> Any:
    with client:
        return create_video.sync_detailed(client=client, body=BODY)


def detailed_async(client: AuthenticatedClient) -> Any:
    async def call() -> Any:
        async with client:
            return await create_video.asyncio_detailed(client=client, body=BODY)

    return asyncio.run(call())


def detailed_aiohttp(client: AuthenticatedClient) -> Any:
    return detailed_async(evolve(client, async_transport="aiohttp"))


@pytest.mark.parametrize("detailed", [detailed_sync, detailed_async, detailed_aiohttp])
@pytest.mark.parametrize(
    ("status", "content", "parsed"),
    [
        *((200, b'{"a": 1}', {"a": 1}), (200, b"<html>", None), (200, b"[]", None)),
        *((401, b"no", None), (429, b"{}", None), (502, b"", None), (999, b"x", None)),
    ],
)
def test_detailed_gives_every_answer_whatever_its_status(
    status: int, content: bytes, parsed: Any, detailed: Call
) -> None:
    with serving(answering(status, content, X_Some="thing")) as server:
        response = detailed(client_of(server.base_url))
    assert (response.status_code, response.content) == (status, content)
    assert response.headers["x-some"] == "thing"
    assert (response.parsed and response.parsed.to_dict()) == parsed


READING = {
    "no answer": (no_answer, errors.APIConnectionError, 3),
    "reset": (reset, errors.APIConnectionError, 3),
    "cut in the body": (FAULTS["cut in the body"][0], errors.APIConnectionError, 3),
    "429": (answering(429), errors.RateLimitError, 3),
    "408": (answering(408), errors.APIStatusError, 3),
    "500": (answering(500), errors.InternalServerError, 3),
    "502": (answering(502), errors.InternalServerError, 3),
    "400": (answering(400), errors.BadRequestError, 1),
    "404": (answering(404), errors.NotFoundError, 1),
    "HTML": (answering(200, b"<html>"), errors.APIResponseValidationError, 1),
}


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """A package with an operation that reads, and with one for each method that may write."""
    answer = {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}}
    for response in answer.values():
        response["description"] = "ok"  # type: ignore[assignment]
    operations = {
        method: {"operationId": f"{method}_thing", "responses": answer}
        for method in ("get", "head", "options", "put", "post", "patch", "delete")
    }
    return made_from(document({"/thing": operations}), tmp_path_factory.mktemp("things"))


def get_sync(things: ModuleType, method: str, base_url: str) -> Any:
    with things.AuthenticatedClient(base_url=base_url, token=TOKEN, timeout=TIMEOUT) as client:
        return getattr(things, f"{method}_thing").sync(client=client)


def get_async(things: ModuleType, method: str, base_url: str, transport: Any = None) -> Any:
    async def call() -> Any:
        options = {"timeout": TIMEOUT, "async_transport": transport}
        async with things.AuthenticatedClient(base_url, TOKEN, **options) as client:
            return await getattr(things, f"{method}_thing").asyncio(client=client)

    return asyncio.run(call())


def get_aiohttp(things: ModuleType, method: str, base_url: str) -> Any:
    return get_async(things, method, base_url, "aiohttp")


call_each_way = pytest.mark.parametrize("call", [get_sync, get_async, get_aiohttp])


@call_each_way
@pytest.mark.parametrize(("fault", "error", "arrived"), READING.values(), ids=READING)
def test_a_get_is_sent_again(
    fault: Fault, error: type[Exception], arrived: int, call: Call, things: ModuleType
) -> None:
    with serving(fault) as server, pytest.raises(Exception) as raised:  # noqa: PT011 - asserted next
        call(things, "get", server.base_url)
    assert type(raised.value) is getattr(things.errors, error.__name__)
    assert len(server.arrived) == arrived


@call_each_way
@pytest.mark.parametrize("method", ["put", "post", "patch", "delete"])
def test_no_method_that_writes_is_sent_again(method: str, call: Call, things: ModuleType) -> None:
    for fault in (no_answer, reset, answering(500), answering(503)):
        with (
            serving(fault) as server,
            pytest.raises((things.errors.OutcomeUnknownError, things.errors.InternalServerError)),
        ):
            call(things, method, server.base_url)
        assert len(server.arrived) == 1


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for sub in kind.__subclasses__():
        yield from subclasses(sub)


HTTPX = sorted(
    {*subclasses(httpx.TransportError), *httpx.StreamError.__subclasses__()}
    | {httpx.DecodingError, httpx.TooManyRedirects, httpx.InvalidURL},
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", HTTPX)
def test_every_exception_of_httpx_arrives_as_one_of_ours(kind: type[Exception]) -> None:
    attempts = []

    def fail(request: httpx.Request) -> httpx.Response:
        attempts.append(request)
        raise kind("boom") if issubclass(kind, httpx.HTTPError | httpx.InvalidURL) else kind()

    client = client_of("https://relay.example", httpx_args={"transport": httpx.MockTransport(fail)})
    with pytest.raises(errors.GrokImagineVideoError) as raised:
        call_sync(client)
    assert type(raised.value.__cause__) is kind
    assert TOKEN not in str(attempts[-1].headers.raw)
    assert kind.__name__ in str(raised.value)
    never_sent = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError")
    assert len(attempts) == (3 if kind.__name__ in never_sent else 1)
    surely_not_sent = (*never_sent, "UnsupportedProtocol")
    assert isinstance(raised.value, errors.APIConnectionError) == (kind.__name__ in surely_not_sent)


@each_way
def test_the_token_does_not_follow_a_redirect_to_another_host(call: Call) -> None:
    for header in ("Authorization", "X-Api-Key"):
        with serving(OK) as other:
            away = other.base_url.replace("127.0.0.1", "localhost") + "/elsewhere"
            with serving(answering(307, Location=away)) as server:
                client = client_of(server.base_url, follow_redirects=True, auth_header_name=header)
                assert call(client)["request_id"] == "1"
        assert TOKEN.encode() in server.arrived[0]
        assert TOKEN.encode() not in other.arrived[0]
        assert other.arrived[0].endswith(server.arrived[0].partition(b"\r\n\r\n")[2])


@each_way
def test_the_token_goes_along_at_home(call: Call) -> None:
    with serving(answering(307, Location="/v2"), OK) as server:
        assert call(client_of(server.base_url, follow_redirects=True))["request_id"] == "1"
    assert [TOKEN.encode() in request for request in server.arrived] == [True, True]


@each_way
@pytest.mark.parametrize(
    ("faults", "arrived"),
    [
        ([answering(303, Location="/seen"), reset], 2),
        ([answering(303, Location="http://127.0.0.1:9/")], 1),
        ([answering(303, Location="/seen"), answering(429)], 2),
        ([answering(307, Location="/again"), hang_up], 2),
        ([answering(302, Location="/round")], 21),
    ],
)
def test_what_was_redirected_was_received_and_is_not_sent_again(
    faults: list[Fault], arrived: int, call: Call
) -> None:
    with serving(*faults) as server, pytest.raises(errors.GrokImagineVideoError) as raised:
        call(client_of(server.base_url, follow_redirects=True))
    assert len(server.arrived) == arrived
    assert not isinstance(raised.value, errors.APIConnectionError)


@each_way
def test_a_server_that_repeats_the_token_does_not_get_it_into_an_error(call: Call) -> None:
    for status, answer in (
        (401, {"error": {"message": f"Incorrect API key provided: {TOKEN}"}}),
        *((502, f"<h1>{TOKEN}</h1>".encode()), (200, [TOKEN])),
    ):
        repeating = pytest.raises(errors.GrokImagineVideoError)
        again = {"X_Request_Id": TOKEN, "X_Debug": f"Bearer {TOKEN}"}
        with serving(answering(status, answer, **again)) as server, repeating as raised:
            call(client_of(server.base_url))
        assert_well_made(raised.value)
        assert TOKEN not in "".join(traceback.format_exception(raised.value))


@each_way
def test_the_token_is_in_no_log_line(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(answering(429), reset) as server, pytest.raises(errors.OutcomeUnknownError):
        call(client_of(server.base_url))
    assert caplog.records
    assert TOKEN not in caplog.text


@each_transport
def test_cancelling_ends_the_call_at_once_and_sends_nothing_more(
    transport: Any, waiting: Waiting
) -> None:
    async def cancel(server: Server) -> None:
        options = {"timeout": httpx.Timeout(30), "async_transport": transport}
        async with client_of(server.base_url, **options) as client:
            call = asyncio.create_task(create_video.asyncio(client=client, body=BODY))
            while not server.arrived:
                await asyncio.wait([call], timeout=0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    started = time.monotonic()
    with serving(no_answer) as server:
        asyncio.run(cancel(server))
    assert len(server.arrived) == 1
    assert not waiting.slept
    assert time.monotonic() - started < 5


@each_transport
def test_cancelling_ends_the_wait_between_attempts(
    transport: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep_for_ever(_: float) -> None:
        await asyncio.Event().wait()

    async def cancel(server: Server) -> None:
        async with client_of(server.base_url, async_transport=transport) as client:
            call = asyncio.create_task(create_video.asyncio(client=client, body=BODY))
            await asyncio.wait([call], timeout=0.3)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    monkeypatch.setattr("stamina._core._smart_sleep", sleep_for_ever)
    with serving(answering(429), OK) as server:
        asyncio.run(cancel(server))
    assert len(server.arrived) == 1


def test_ctrl_c_ends_the_wait_between_attempts(waiting: Waiting) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    waiting.meanwhile = interrupt
    with serving(answering(429), OK) as server, pytest.raises(KeyboardInterrupt):
        call_sync(client_of(server.base_url))
    assert len(server.arrived) == 1


CALLS = 2_000
SEED = 20_260_131


def test_at_random_no_call_that_was_sent_is_sent_again() -> None:
    """Each call has a prompt of its own, by which the server's requests are counted."""
    chance = random.Random(SEED)
    slow = {"50 MB of junk", "50 MB of JSON", "too deep", "slow drip", "slow drip that stops"}
    quick = {name: FAULTS[name] for name in FAULTS if name not in slow}
    kinds = (
        [fault for fault, *_ in quick.values()] + [OK] * 20 + [answering(429, Retry_After="0")] * 9
    )
    decided: dict[bytes, list[Fault]] = {}

    def at_random(connection: socket.socket) -> None:
        fault = chance.choice(kinds)
        decided.setdefault(server.latest[connection].partition(b"\r\n\r\n")[2], []).append(fault)
        fault(connection)

    ends: list[object] = []

    async def one(client: AuthenticatedClient, number: int) -> None:
        body = CreateVideoRequest.from_dict(TEXT | {"prompt": f"video {number}"})
        try:
            ends.append(await create_video.asyncio(client=client, body=body))
        except errors.GrokImagineVideoError as error:
            ends.append(error)

    async def many(numbers: range, transport: Any) -> None:
        options = {"timeout": httpx.Timeout(0.05, connect=5), "async_transport": transport}
        async with client_of(server.base_url, **options) as client:
            for number in numbers:
                await one(client, number)
        assert len(asyncio.all_tasks()) == 1

    def many_sync(numbers: range) -> None:
        with client_of(server.base_url, timeout=httpx.Timeout(0.05, connect=5)) as client:
            for number in numbers:
                body = CreateVideoRequest.from_dict(TEXT | {"prompt": f"video {number}"})
                try:
                    ends.append(create_video.sync(client=client, body=body))
                except errors.GrokImagineVideoError as error:
                    ends.append(error)

    with serving(at_random) as server:
        many_sync(range(CALLS // 3))
        asyncio.run(many(range(CALLS // 3, CALLS // 3 * 2), None))
        asyncio.run(many(range(CALLS // 3 * 2, CALLS), "aiohttp"))
        patience = time.monotonic() + 10
        while len(decided) < CALLS and time.monotonic() < patience:
            time.sleep(0.01)  # a request that its caller gave up may still be on its way
    assert len(ends) == CALLS
    assert len(decided) == CALLS
    for faults in decided.values():
        assert len(faults) <= 3
        for fault in faults[:-1]:  # only a 429 lets the same call through once more
            assert getattr(fault, "status", None) == 429
    gc.collect()  # a socket left open is a ResourceWarning, and that an error
