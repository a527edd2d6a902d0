"""Operations of the spec as data, and the requests that they build."""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Generic, Literal, NamedTuple, TypeVar
from urllib.parse import quote

from .models import text_of, to_json, to_multipart, validate_argument
from .types import UNSET
from .validators import Validator

T = TypeVar("T")


# Named tuples: their classes are made ten times faster than those of attrs, at each import.


class Job(NamedTuple):
    """The `x-job` of the spec: where in a response each value is, and what each status means.

    A value is looked for at paths such as `video.url`, in the object of a wrapper first, then in
    the response around it; the first path with a value counts. A list stands for its first item.
    """

    id: Sequence[str]
    status: Sequence[str]
    succeeded: Sequence[str]  # statuses in lower case of a job that has its result,
    failed: Sequence[str]  # of one that ended without a result,
    expired: Sequence[str]  # of one that is no longer kept
    progress: Sequence[str]
    result: Sequence[str]
    allowed: Sequence[str]  # a flag that is false if moderation withheld the result
    error: Sequence[str]
    ambiguous: Sequence[str] = ()  # statuses that count only beside a result
    reasons: Sequence[str] = ()  # more paths to an error, for a job that failed
    moderation: Sequence[str] = ()  # words in an error if moderation withheld the result,
    lost: Sequence[str] = ()  # or if the gateway does not find the job
    wrappers: Sequence[str] = ()  # names of objects that the job may be wrapped in
    cost: Sequence[str] = ()
    cost_unit: float = 1.0  # in US dollars
    suffix: str = ""  # the end of the name of the file with the result


class Parameter(NamedTuple):
    """A parameter: its names in Python and in HTTP, where it goes, and its validators."""

    name: str
    alias: str
    location: Literal["path", "query", "header"]
    validators: Sequence[Validator] = ()


class Body(NamedTuple):
    """The body of a request."""

    validators: Sequence[Validator]
    media_type: str = ""  # of JSON; httpx sets that of a form
    model: Any = None


class Request(NamedTuple, Generic[T]):
    """A request that the spec allows: the operation, and the arguments for httpx."""

    operation: "Operation[T]"
    arguments: dict[str, Any]


class Operation(NamedTuple, Generic[T]):
    """An operation of the spec; T is what a 2xx response is read as.

    `reads` has for each status ("200", "4XX", "default") the source in the response ("json",
    "text", "content" or ""), and the function that reads it.
    """

    method: str
    path: str  # with parameters in braces
    reads: Mapping[str, tuple[str, Callable[[Any], Any] | None]]
    parameters: Sequence[Parameter] = ()
    body: Body | None = None
    job: Job | None = None
    starts: "Operation[Any] | None" = None

    @property
    def rules(self) -> Job:
        """The job that the operation follows."""
        assert self.job is not None  # noqa: S101 - the generator makes sure
        return self.job

    @property
    def follower(self) -> "Operation[Any]":
        """The operation that follows the jobs that this one creates."""
        assert self.starts is not None  # noqa: S101 - the generator makes sure
        return self.starts

    def read_json(self, value: Any) -> T:
        """Read the JSON of a 2xx response."""
        _, reader = self.reads.get("2XX") or self.reads["default"]
        read: T = reader(value) if reader else value
        return read

    def follow(self, job_id: str) -> Request[T]:
        """The request for the job with this id."""
        return self.request(**{self.parameters[0].name: job_id})

    def request(self, **values: Any) -> Request[T]:
        """Build a request; an argument that breaks the spec is a TypeError or ValueError."""
        sent: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
        for parameter in self.parameters:
            value = values.get(parameter.name, UNSET)
            validate_argument(parameter.name, value, *parameter.validators)
            if value is not UNSET and value is not None:
                is_in_path = parameter.location == "path"
                name = parameter.name if is_in_path else parameter.alias
                sent[parameter.location][name] = value
        url = self.path
        for name, value in sent["path"].items():
            text = quote(text_of(value), safe="," if isinstance(value, list) else "")
            url = url.replace(f"{{{name}}}", text)
        headers = {name: text_of(value) for name, value in sent["header"].items()}
        arguments: dict[str, Any] = {
            "method": self.method,
            "url": url,
            "headers": headers,
        }
        if sent["query"]:
            arguments["params"] = to_json(sent["query"])
        if self.body is not None:
            content = values.get("body", UNSET)
            validate_argument("body", content, *self.body.validators)
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
    names: Mapping[str, str] = {}  # of options that differ from their fields
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
