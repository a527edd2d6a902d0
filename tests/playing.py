"""A driver without time: it lets the outcomes of a test happen to a call, a wait or a download."""

from typing import Any

import httpx

from grok_imagine_video import Client, _io, errors
from grok_imagine_video._calls import Now, Sleep
from grok_imagine_video._opening import Opened, open_session

URL = "https://gateway.example"


class Play:
    """What came of the steps of a generator, to which each outcome happens in turn.

    An outcome is a response as arguments of `httpx.Response`, an exception, or a kind of one. The
    clock goes on while the generator sleeps, and some seconds for each request. A generator that
    asks for more outcomes than there are has not ended.
    """

    def __init__(
        self,
        client: Client,
        steps_of: Any,
        *args: Any,
        outcomes: Any = (),
        session: Any = None,
        is_ours: bool = True,
        seconds: float = 0.0,
    ) -> None:
        self.requests: list[httpx.Request] = []
        self.deadlines: list[float | None] = []
        self.have_auth: list[bool] = []
        self.times: list[float] = []
        self.slept: list[float] = []
        self.now = 0.0
        self.end: Any = None
        self.has_ended = True
        self._client, self._seconds = client, seconds
        self._outcomes = iter(outcomes)
        self._session = open_session(DEFAULTS | session) if session else SESSION
        steps = steps_of(client, Opened(self._session, is_ours), *args)
        try:
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
        self.deadlines.append(step.deadline)
        self.have_auth.append(step.has_auth)
        self.times.append(self.now)
        self.now += self._seconds
        if step.deadline is not None and self.now > step.deadline:
            self.now, outcome = step.deadline, httpx.ReadTimeout
        step.request.extensions["outcome"] = outcome
        step.deadline = None  # it is not on the clock of the machine
        return _io._exchange(self._session, step, self._client.max_response_size)


def happen(request: httpx.Request) -> httpx.Response:
    outcome: Any = request.extensions.pop("outcome")
    if isinstance(outcome, httpx.Response):
        return outcome
    if isinstance(outcome, dict):
        streamed = {"content": iter([outcome["content"]])} if "content" in outcome else {}
        return httpx.Response(**outcome | streamed)
    raise outcome if isinstance(outcome, Exception) else exception(outcome, request)


def exception(kind: Any, request: httpx.Request) -> Any:
    if issubclass(kind, httpx.RequestError):
        return kind("boom", request=request)
    if issubclass(kind, ExceptionGroup):
        return kind("boom", [OSError()])
    try:
        return kind("boom")
    except TypeError:  # one of httpx that says what is wrong itself
        return kind()


DEFAULTS: dict[str, Any] = {"base_url": URL, "transport": httpx.MockTransport(happen)}
SESSION = open_session(DEFAULTS)


def status(code: int, content: Any = None, **headers: str) -> dict[str, Any]:
    """A response with this body: bytes, or what is sent as JSON; without one it is an error."""
    content = {"error": {"message": "why"}} if content is None else content
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = "content" if isinstance(content, bytes) else "json"
    return {"status_code": code, "headers": named, kind: content}
