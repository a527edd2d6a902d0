"""A driver without time: it lets the outcomes of a test happen to a call, a wait or a download."""

from typing import Any

import httpx

from grok_imagine_video import Client, errors
from grok_imagine_video_runtime import _io
from grok_imagine_video_runtime._calls import Now, Sleep
from grok_imagine_video_runtime.config import Opened
from grok_imagine_video_runtime.operations import Operation, Request

URL = "https://gateway.example"


class Play:
    """What came of the steps of a generator, to which each outcome happens in turn.

    An outcome is a response as arguments of `httpx.Response`, an exception, or a kind of one. The
    clock goes on while the generator sleeps. A generator that asks for more outcomes than there
    are has not ended.
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
        self.slept: list[float] = []
        self.now = 0.0
        self.end: Any = None
        self.has_ended = True
        self._outcomes = iter(outcomes)
        opened = Opened(open_session(**session) if session else SESSION, is_ours)
        try:
            steps = steps_of(client, opened, *args)
            step = next(steps)
            while self.has_ended:
                step = steps.send(self._do(step))
        except StopIteration as end:
            self.end = end.value
        except (errors.APIError, TypeError, ValueError) as error:
            self.end = error if self.has_ended else None

    def _do(self, step: Any) -> Any:
        match step:
            case Now():
                return self.now
            case Sleep():
                self.slept.append(step.seconds)
                self.now += step.seconds
                return None
        if (outcome := next(self._outcomes, None)) is None:
            self.has_ended = False
            outcome = AssertionError("one request too many")
        self.requests.append(step.request)
        step.request.extensions["outcome"] = outcome
        step.deadline = None  # it is not on the clock of the machine
        _io.send(step)
        return None


def happen(request: httpx.Request) -> httpx.Response:
    outcome: Any = request.extensions.pop("outcome")
    if isinstance(outcome, httpx.Response):
        return outcome
    if isinstance(outcome, dict):
        content = outcome.get("content", b"")
        parts = iter([content[:1], content[1:9], content[9:]])
        return httpx.Response(**outcome | ({"content": parts} if "content" in outcome else {}))
    raise outcome if isinstance(outcome, Exception) else exception(outcome, request)


def exception(kind: Any, request: httpx.Request) -> Any:
    if issubclass(kind, httpx.RequestError):
        return kind("boom", request=request)
    try:
        return kind("boom")
    except TypeError:  # one of httpx that says what is wrong itself
        return kind()


def open_session(**given: Any) -> httpx.Client:
    """The session of a client, on which the outcomes happen."""
    base_url = given.pop("base_url", URL)
    own = {name: given.pop(name) for name in ("cookies", "headers", "timeout") if name in given}
    args = {"transport": httpx.MockTransport(happen)} | given
    session = Client(URL, httpx_args=args, **own).get_httpx_client()
    session.base_url = base_url
    return session


SESSION = open_session()


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
