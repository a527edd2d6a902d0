"""A driver without sockets and time: outcomes happen to a call, a wait or a download."""

from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from grok_imagine_video import Client, errors
from grok_imagine_video_runtime import _io
from grok_imagine_video_runtime.config import Opened
from grok_imagine_video_runtime.operations import Operation, Request
from making import load
from modes import Clock

URL = "https://gateway.example"
GATEWAYS = load(Path(__file__).with_name("gateways.yaml"))


class Play:
    """What came of the steps of a generator, to which each outcome happens in turn.

    An outcome is a response as arguments of `httpx.Response`, an exception, or a kind of one. The
    clock goes on while the generator sleeps. A generator that asks for more outcomes than there
    are has not ended. The session is that of the client, with the options of `session` besides.
    """

    def __init__(
        self,
        client: Client,
        steps_of: Any,
        *args: Any,
        outcomes: Any = (),
        session: Any = None,
        is_ours: bool = True,
    ) -> None:
        self.requests: list[httpx.Request] = []
        self.has_ended = True
        self._outcomes = iter(outcomes)
        options = {"transport": httpx.MockTransport(self._respond)} | (session or {})
        own = {key: options.pop(key) for key in {"cookies", "headers", "timeout"} & options.keys()}
        player: Any = attrs.evolve(client, httpx_args=options, **own)
        opened = Opened(player.get_httpx_client(), is_ours)
        player.sessions.opened = lambda _: opened
        with pytest.MonkeyPatch.context() as patch:
            self.clock = Clock(patch)
            try:
                end = _io.run(player, steps_of, *args)
            except (errors.APIError, TypeError, ValueError) as error:
                end = error
        self.end: Any = end if self.has_ended else None
        self.slept = self.clock.slept

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        outcome = next(self._outcomes, None)
        self.has_ended = outcome is not None
        if isinstance(outcome, httpx.Response):
            return outcome
        if isinstance(outcome, dict):
            content = outcome.get("content", b"")
            parts = iter([content[:1], content[1:9], content[9:]])
            return httpx.Response(**outcome | ({"content": parts} if "content" in outcome else {}))
        raise outcome if isinstance(outcome, Exception) else exception(outcome, request)


def exception(kind: Any, request: httpx.Request) -> Any:
    if kind is None:
        return AssertionError("one request too many")
    if issubclass(kind, httpx.RequestError):
        return kind("boom", request=request)
    try:
        return kind("boom")
    except TypeError:  # one of httpx that says what is wrong itself
        return kind()


def asking(method: str = "POST", url: str = "/v1", **arguments: Any) -> Request[Any]:
    """A request whose response is any JSON."""
    operation: Operation[Any] = Operation(method, url, {"2XX": ("json", None)})
    return Request(operation, {"method": method, "url": url, **arguments})


def status(code: int, content: Any = None, **headers: str) -> dict[str, Any]:
    """A response with this body: bytes, or what is sent as JSON; without one it is an error."""
    content = {"error": {"message": "why"}} if content is None else content
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = "content" if isinstance(content, bytes) else "json"
    return {"status_code": code, "headers": named, kind: content}
