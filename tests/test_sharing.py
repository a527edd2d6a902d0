"""Clients that share connections, mocks of sessions, and the environment of a client."""

import asyncio
from typing import Any

import httpx
import pytest

from bodies import TEXT
from faults import OK, no_response, responding, serving
from grok_imagine_video import (
    AuthenticatedClient,
    Client,
    CreateVideoRequest,
    create_video,
    errors,
    get_video,
)
from ways import Way

BODY = CreateVideoRequest.from_dict(TEXT)
URL = "https://gateway.example"


def sessions() -> tuple[httpx.Client, httpx.AsyncClient]:
    return httpx.Client(headers={"X-Own": "1"}), httpx.AsyncClient(headers={"X-Own": "1"})


@pytest.mark.parametrize("is_own", [False, True], ids=["", "own session"])
def test_a_client_with_other_options_shares_connections_and_changes_nothing(
    is_own: bool, way: Way
) -> None:
    options: dict[str, Any] = {"headers": {"X-A": "1"}, "follow_redirects": True}
    options["cookies"] = {"c": "1"}
    with serving(OK, responding(307, Location="/x"), OK, no_response, OK, OK) as server:
        old = AuthenticatedClient(server.base_url, "token", **options)
        if is_own:
            sync, asynchronous = sessions()
            old.set_httpx_client(sync).set_async_httpx_client(asynchronous)
        new = old.with_headers({"X-B": "2"}).with_cookies({"c": "3"})

        async def call_each() -> None:
            for client in (old, new):
                await create_video.asyncio(client=client, body=BODY)
            with pytest.raises(errors.OutcomeUnknownError):
                await create_video.asyncio(client=new.with_timeout(0.1), body=BODY)
            await create_video.asyncio(client=new.with_headers({"x-b": "4"}), body=BODY)
            await create_video.asyncio(client=old, body=BODY)
            await new.aclose()

        def call_each_sync() -> None:
            for client in (old, new):
                create_video.sync(client=client, body=BODY)
            with pytest.raises(errors.OutcomeUnknownError):
                create_video.sync(client=new.with_timeout(0.1), body=BODY)
            create_video.sync(client=new.with_headers({"x-b": "4"}), body=BODY)
            create_video.sync(client=old, body=BODY)
            new.close()

        call_each_sync() if way.is_sync else asyncio.run(call_each())
        with pytest.raises(RuntimeError, match="closed"):  # closing either closes both
            way.call(create_video, "sync", old, body=BODY)
    texts = (b"x-b: 2", b"x-b: 4", b"\r\ncookie: c=3\r\n", b"x-own: 1" if is_own else b"x-a: 1")
    assert [[text in each.lower() for text in texts] for each in server.arrived] == [
        [False, False, False, True],
        *[[True, False, True, True]] * 3,  # a redirect is followed with the same
        [False, True, True, True],
        [False, False, False, True],
    ]
    assert len(server.connections) == (6 if way.closes else 2)  # one was lost to the timeout


def test_a_mocked_transport_needs_no_base_url(way: Way) -> None:
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, json={"url": str(request.url)})
    )
    client = AuthenticatedClient(f"{URL}/v1", "token")
    client.set_httpx_client(httpx.Client(transport=transport))
    client.set_async_httpx_client(httpx.AsyncClient(transport=transport))
    job = way.call(get_video, "sync", client, "1")
    assert job["url"] == f"{URL}/v1/videos/1"


def test_what_is_left_out_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^base_url is missing: pass it, or set GROK_BASE_URL$"):
        Client()
    monkeypatch.setenv("GROK_BASE_URL", URL)
    monkeypatch.setenv("GROK_API_KEY", "")
    with pytest.raises(ValueError, match=r"^token is missing: pass it, or set GROK_API_KEY$"):
        AuthenticatedClient()
    monkeypatch.setenv("GROK_API_KEY", "sk-secret-0123456789")
    client = AuthenticatedClient()
    assert (client._base_url, client.token) == (URL, "sk-secret-0123456789")
    assert AuthenticatedClient("https://other.example", "given").token == "given"
    monkeypatch.setenv("GROK_API_KEY", "sk secret\n")
    with pytest.raises(ValueError, match=r"^token must be printable ASCII[^:]*$"):
        AuthenticatedClient()
