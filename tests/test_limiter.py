"""How many requests are in flight, and that every permit is released."""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from bodies import TEXT
from conftest import each_transport
from faults import OK, Fault, no_response, reset, responding, serving
from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, create_video, errors
from ways import WAYS, Way

BODY = CreateVideoRequest.from_dict(TEXT)
CALLS = 6
SYNC, ASYNCIO, _ = WAYS


def client_of(base_url: str, **arguments: Any) -> AuthenticatedClient:
    timeout = httpx.Timeout(0.3, pool=5)
    return AuthenticatedClient(
        base_url, "token", **{"timeout": timeout, "max_retries": 0, **arguments}
    )


def limited_to(number: int | None) -> dict[str, Any]:
    return {"httpx_args": {"limits": httpx.Limits(max_connections=number)}}


class Crowd:
    """Holds every response back until all requests are here that can be in flight."""

    def __init__(self, expected: int) -> None:
        self._here = threading.Barrier(expected)
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def __call__(self, connection: Any) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self._here.wait(5)
        with self._lock:
            self._now -= 1
        OK(connection)


def many(way: Way, client: AuthenticatedClient) -> None:
    client = way.client(client)
    if way.name == "sync":
        with client, ThreadPoolExecutor(CALLS) as pool:
            list(pool.map(lambda _: create_video.sync(client=client, body=BODY), range(CALLS)))
        return

    async def gather() -> None:
        async with client:
            calls = [create_video.asyncio(client=client, body=BODY) for _ in range(CALLS)]
            await asyncio.gather(*calls)

    asyncio.run(gather())


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (3, 3), (None, CALLS), (100, CALLS)])
def test_as_many_requests_are_in_flight_as_the_limit_allows(
    limit: int | None, expected: int, way: Way
) -> None:
    crowd = Crowd(expected)
    with serving(crowd) as server:
        many(way, client_of(server.base_url, **limited_to(limit)))
    assert crowd.most == expected
    assert len(server.arrived) == CALLS


def test_a_session_or_transport_of_the_caller_has_its_own_limit() -> None:
    crowds = [Crowd(CALLS) for _ in range(2)]
    more = httpx.Limits(max_connections=CALLS)
    with serving(crowds[0]) as server:
        client = client_of(server.base_url, **limited_to(1))
        many(SYNC, client.set_httpx_client(httpx.Client(base_url=server.base_url, limits=more)))
    with serving(crowds[1]) as server:
        transport = httpx.AsyncHTTPTransport(limits=more)
        many(ASYNCIO, client_of(server.base_url, async_transport=transport, **limited_to(1)))
    assert [crowd.most for crowd in crowds] == [CALLS, CALLS]


FAULTS: dict[str, Fault] = {"500": responding(500), "reset": reset, "no response": no_response}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_failure_releases_its_permit(fault: Fault, tmp_path: Path) -> None:
    failure = pytest.raises(errors.APIError)
    with (
        serving(fault, fault, OK) as server,
        client_of(server.base_url, **limited_to(1)) as client,
    ):
        with failure:
            create_video.sync(client=client, body=BODY)
        with failure:
            client.download("/video.mp4", tmp_path / "video.mp4")
        assert create_video.sync(client=client, body=BODY)["request_id"] == "1"


@each_transport
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_failure_or_a_cancelled_task_releases_its_permit(
    fault: Fault, transport: Any, tmp_path: Path
) -> None:
    async def calls(base_url: str) -> Any:
        async with client_of(base_url, async_transport=transport, **limited_to(1)) as client:
            with pytest.raises(errors.APIError):
                await create_video.asyncio(client=client, body=BODY)
            with pytest.raises(errors.APIError):
                await client.asyncio_download("/video.mp4", tmp_path / "video.mp4")
            tasks = [
                asyncio.create_task(create_video.asyncio(client=client, body=BODY)),
                asyncio.create_task(create_video.asyncio(client=client, body=BODY)),
            ]
            await asyncio.wait(tasks, timeout=0.1)  # the first is sent, the second is queued
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            return await create_video.asyncio(client=client, body=BODY)

    with serving(fault, fault, no_response, OK) as server:
        assert asyncio.run(calls(server.base_url))["request_id"] == "1"
    assert len(server.arrived) == 4


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_caller_without_a_permit_in_time_has_sent_nothing(asynchronous: bool) -> None:
    async def call_async(client: AuthenticatedClient) -> None:
        async with client:
            busy = asyncio.create_task(create_video.asyncio(client=client, body=BODY))
            await asyncio.wait([busy], timeout=0.2)  # it has the only permit
            with pytest.raises(errors.APIConnectionError, match=r"PoolTimeout .*nothing was sent"):
                await create_video.asyncio(client=client, body=BODY)
            busy.cancel()

    def call_sync(client: AuthenticatedClient) -> None:
        with client, ThreadPoolExecutor(1) as pool:
            busy = pool.submit(create_video.sync, client=client, body=BODY)
            while not server.arrived:
                pass
            with pytest.raises(errors.APIConnectionError, match=r"PoolTimeout .*nothing was sent"):
                create_video.sync(client=client, body=BODY)
            server.close()
            assert isinstance(busy.exception(), errors.OutcomeUnknownError)

    with serving(no_response) as server:
        timeout = httpx.Timeout(5, pool=0.05)
        client = client_of(server.base_url, timeout=timeout, **limited_to(1))
        asyncio.run(call_async(client)) if asynchronous else call_sync(client)
    assert len(server.arrived) == 1
