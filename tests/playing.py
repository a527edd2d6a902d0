"""A driver without I/O: it lets the outcomes of a test happen to a call, a wait or a download."""

from typing import Any

import httpx

from grok_imagine_video import errors
from grok_imagine_video._calls import Now, Open, Sleep

URL = "https://gateway.example"


class Play:
    """What came of the steps of a generator, to which each outcome happens in turn.

    An outcome is a response as arguments of `httpx.Response`, an exception, or a kind of one. The
    clock goes on only while the generator sleeps.
    """

    def __init__(self, steps: Any, *outcomes: Any, session: Any = None) -> None:
        self.requests: list[httpx.Request] = []
        self.deadlines: list[float | None] = []
        self.have_auth: list[bool] = []
        self.slept: list[float] = []
        self.now = 1000.0
        self._outcomes = iter(outcomes)
        transport = httpx.MockTransport(self._happen)
        self._session = httpx.Client(base_url=URL, transport=transport, **session or {})
        self.end: Any
        try:
            step = next(steps)
            while True:
                try:
                    outcome = self._do(step)
                except httpx.HTTPError as error:
                    step = steps.throw(error)
                except (httpx.InvalidURL, httpx.StreamError) as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            self.end = end.value
        except (errors.APIError, TypeError, ValueError) as error:
            self.end = error

    def _do(self, step: Any) -> Any:
        match step:
            case Open():
                return self._session
            case Now():
                return self.now
            case Sleep():
                self.slept.append(step.seconds)
                self.now += step.seconds
                return None
        self.requests.append(step.request)
        self.deadlines.append(step.deadline)
        self.have_auth.append(step.has_auth)
        return self._session.send(step.request)

    def _happen(self, request: httpx.Request) -> httpx.Response:
        outcome = next(self._outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        if not isinstance(outcome, type):
            return httpx.Response(**outcome)
        kind: Any = outcome
        if issubclass(kind, httpx.RequestError):
            raise kind("boom", request=request)
        raise kind("boom") if issubclass(kind, httpx.InvalidURL) else kind()


def status(code: int, content: Any = None, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"status_code": code, "headers": named, "json": content or {"error": {"message": "why"}}}
