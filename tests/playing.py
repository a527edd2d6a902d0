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
    clock goes on only while the generator sleeps.
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
        self.deadlines: list[float | None] = []
        self.have_auth: list[bool] = []
        self.slept: list[float] = []
        self.now = 1000.0
        self._client = client
        self._outcomes = iter(outcomes)
        transport = httpx.MockTransport(self._happen)
        self._session = open_session({"base_url": URL, "transport": transport, **(session or {})})
        steps = steps_of(client, Opened(self._session, is_ours), *args)
        self.end: Any
        try:
            step = next(steps)
            while True:
                step = steps.send(self._do(step))
        except StopIteration as end:
            self.end = end.value
        except (errors.APIError, TypeError, ValueError) as error:
            self.end = error

    def _do(self, step: Any) -> Any:
        match step:
            case Now():
                return self.now
            case Sleep():
                self.slept.append(step.seconds)
                self.now += step.seconds
                return None
        self.requests.append(step.request)
        self.deadlines.append(step.deadline)
        self.have_auth.append(step.has_auth)
        step.deadline = None  # it is not on the clock of the machine
        return _io._exchange(self._session, step, self._client.max_response_size)

    def _happen(self, request: httpx.Request) -> httpx.Response:
        outcome = next(self._outcomes, None)
        assert outcome is not None, "one request too many"
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, httpx.Response):
            return outcome
        if not isinstance(outcome, type):
            streamed = {"content": iter([outcome["content"]])} if "content" in outcome else {}
            return httpx.Response(**outcome | streamed)
        kind: Any = outcome
        if issubclass(kind, httpx.RequestError):
            raise kind("boom", request=request)
        is_ours = issubclass(kind, httpx.StreamError) and kind is not httpx.StreamError
        raise kind() if is_ours else kind("boom")


def status(code: int, content: Any = None, **headers: str) -> dict[str, Any]:
    """A response with this body: bytes, or what is sent as JSON; without one it is an error."""
    content = {"error": {"message": "why"}} if content is None else content
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = "content" if isinstance(content, bytes) else "json"
    return {"status_code": code, "headers": named, kind: content}
