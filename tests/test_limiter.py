"""How many requests are in flight, and that every permit is released."""

import asyncio
import contextlib
import socket
import threading
from pathlib import Path

import httpx
import pytest
from attrs import evolve

from conftest import BODY, client_of
from faults import OK, Fault, reset, serving
from grok_imagine_video import AuthenticatedClient, create_video, errors
from grok_imagine_video._limiter import AsyncLimiter, Limiter
from ways import WAYS, Together, Way

CALLS = 6


def limited_to(number: int | None, base_url: str) -> AuthenticatedClient:
    limits = {"limits": httpx.Limits(max_connections=number)}
    return client_of(base_url, timeout=5.0, max_retries=0, httpx_args=limits)


def crowd(size: int) -> Fault:
    """Responds when as many requests have arrived."""
    everybody_is_here = threading.Barrier(size)

    def respond(connection: socket.socket) -> None:
        everybody_is_here.wait(5)
        OK(connection)

    return respond


def together(way: Way, client: AuthenticatedClient) -> Together:
    return Together(way, client, create_video, "sync", *[{"body": BODY}] * CALLS)


@pytest.mark.parametrize(("limit", "expected"), [(3, 3), (None, CALLS)])
def test_as_many_requests_are_in_flight_as_the_limit_allows(
    limit: int | None, expected: int, way: Way
) -> None:
    with serving(crowd(expected)) as server:
        assert together(way, limited_to(limit, server.base_url)).most == expected
    assert len(server.arrived) == CALLS


def test_a_session_or_transport_of_the_caller_has_its_own_limit() -> None:
    more = httpx.Limits(max_connections=CALLS)
    with serving(crowd(CALLS)) as server:
        client = limited_to(1, server.base_url)
        client.set_httpx_client(httpx.Client(base_url=server.base_url, limits=more))
        assert together(WAYS[0], client).most == CALLS
        transport = httpx.AsyncHTTPTransport(limits=more)
        client = evolve(limited_to(1, server.base_url), async_transport=transport)
        assert together(WAYS[1], client).most == CALLS


def test_a_failure_releases_its_permit(way: Way, tmp_path: Path) -> None:
    failing = pytest.raises(errors.APIError, match="ReadError")
    with serving(reset, reset, OK) as server, way.using(limited_to(1, server.base_url)) as call:
        with failing:
            call(create_video, "sync", body=BODY)
        with failing:
            call(None, "download", "/video.mp4", tmp_path / "video.mp4")
        assert call(create_video, "sync", body=BODY)["request_id"] == "1"


REQUEST = httpx.Request("GET", "https://a.example", extensions={"timeout": {"pool": 0.05}})


def test_nobody_waits_for_a_permit_longer_than_the_pool_timeout() -> None:
    async def wait_in_vain() -> None:
        limiter = AsyncLimiter(1)
        async with limiter.acquire(REQUEST):
            with pytest.raises(httpx.PoolTimeout):
                await limiter.acquire(REQUEST).__aenter__()

    asyncio.run(wait_in_vain())
    limiter = Limiter(1)
    with limiter.acquire(REQUEST), pytest.raises(httpx.PoolTimeout):
        limiter.acquire(REQUEST).__enter__()


def test_a_cancelled_task_releases_its_permit_and_leaves_the_queue() -> None:
    async def hold(limiter: AsyncLimiter, seconds: float = 9) -> str:
        async with limiter.acquire(REQUEST):
            await asyncio.sleep(seconds)
            return "held"

    async def cancel() -> str:
        limiter = AsyncLimiter(1)
        tasks = [asyncio.create_task(hold(limiter)) for _ in range(2)]
        await asyncio.sleep(0)  # the first holds the permit, the second is queued
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        return await hold(limiter, 0)

    assert asyncio.run(cancel()) == "held"
