"""What a generated module says of its operation, as data, and the request that it makes."""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Generic, Literal, NamedTuple, TypeVar
from urllib.parse import quote

from .models import check_argument, text_of, to_json, to_multipart
from .types import UNSET
from .validators import Validator

T = TypeVar("T")


# Named tuples: their classes are made ten times faster than those of attrs, at each import.


class Job(NamedTuple):
    """The `x-job` of the spec: where in a response things are, and what each status means.

    A place is a path with dots, such as `video.url`, in the response or in an object that it is
    wrapped in; a list stands for its first member. The first place that has a value counts, and
    what is in a wrapper counts before what is around it.
    """

    id: Sequence[str]
    status: Sequence[str]
    succeeded: Sequence[str]  # statuses in lower case: the job has its result,
    failed: Sequence[str]  # it ended without one,
    expired: Sequence[str]  # it is no longer kept
    progress: Sequence[str]
    result: Sequence[str]
    allowed: Sequence[str]  # places of the flag that is false if moderation withheld the result
    error: Sequence[str]
    reasons: Sequence[str] = ()  # more places of the reason why it failed
    moderation: Sequence[str] = ()  # words of an error: moderation withheld the result,
    lost: Sequence[str] = ()  # the gateway does not find the job
    wrappers: Sequence[str] = ()  # names of objects that it is in
    cost: Sequence[str] = ()
    cost_unit: float = 1.0  # in US dollars
    suffix: str = ""  # the end of the name of the file with the result


class Parameter(NamedTuple):
    """A parameter: its name in Python and in HTTP, its place, and the rules for it."""

    name: str
    alias: str
    place: Literal["path", "query", "header"]
    rules: Sequence[Validator] = ()


class Body(NamedTuple):
    """The body of a request; its media type is sent, but that of a form, which httpx makes."""

    rules: Sequence[Validator]
    media_type: str = ""
    model: Any = None


class Request(NamedTuple, Generic[T]):
    """A request that the spec allows: the operation, and the arguments for httpx."""

    operation: "Operation[T]"
    arguments: dict[str, Any]


class Operation(NamedTuple, Generic[T]):
    """An operation of the spec; T is what a response with a 2xx status holds.

    `reads` says by status ("200", "4XX", "default") where in a response the result is ("json",
    "text", "content" or ""), and what reads it from there.
    """

    method: str
    path: str  # with names of parameters in braces
    reads: Mapping[str, tuple[str, Callable[[Any], Any] | None]]
    parameters: Sequence[Parameter] = ()
    body: Body | None = None
    job: Job | None = None
    starts: "Operation[Any] | None" = None

    @property
    def rules(self) -> Job:
        """The job that the operation follows."""
        assert self.job is not None  # noqa: S101 - the generator has looked
        return self.job

    @property
    def follower(self) -> "Operation[Any]":
        """The operation that follows the job which this one creates."""
        assert self.starts is not None  # noqa: S101 - the generator has looked
        return self.starts

    def read_json(self, value: Any) -> T:
        """What a 2xx response with this JSON holds."""
        _, reader = self.reads.get("2XX") or self.reads["default"]
        read: T = reader(value) if reader else value
        return read

    def follow(self, job_id: str) -> Request[T]:
        """The request for a job: its id is all that it takes."""
        return self.request(**{self.parameters[0].name: job_id})

    def request(self, **values: Any) -> Request[T]:
        """The request with these arguments, or an error if one breaks a rule of the spec."""
        given: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
        for each in self.parameters:
            value = values.get(each.name, UNSET)
            check_argument(each.name, value, *each.rules)
            if value is not UNSET and value is not None:
                given[each.place][each.name if each.place == "path" else each.alias] = value
        url = self.path
        for name, value in given["path"].items():
            text = quote(text_of(value), safe="," if isinstance(value, list) else "")
            url = url.replace(f"{{{name}}}", text)
        headers = {name: text_of(value) for name, value in given["header"].items()}
        arguments: dict[str, Any] = {
            "method": self.method,
            "url": url,
            "headers": headers,
        }
        if given["query"]:
            arguments["params"] = to_json(given["query"])
        if self.body is not None:
            content = values.get("body", UNSET)
            check_argument("body", content, *self.body.rules)
            if content is not UNSET and self.body.media_type:
                headers["Content-Type"] = self.body.media_type
                arguments["json"] = to_json(content)
            elif content is not UNSET:
                arguments["files"] = to_multipart(content)
        return Request(self, arguments)


class Create(NamedTuple):
    """An operation that creates a job, and the commands for it."""

    name: str  # of its command
    batch: str  # the name of the command that creates many of them
    module: ModuleType | Any
    names: Mapping[str, str] = {}  # of options that are not called as their field
    defaults: Mapping[str, Any] = {}  # of required fields: the spec's example

    @property
    def model(self) -> Any:
        """The model of its body; each of its fields is an option."""
        return self.module.OPERATION.body.model


class Commands(NamedTuple):
    """The operations about one kind of job, and the commands for them."""

    module: ModuleType | Any  # of the operation that follows the job
    get: str  # the name of the command that shows it
    wait: str  # the name of the command that waits for it
    creates: Sequence[Create] = ()
