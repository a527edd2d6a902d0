"""Operations of the spec as data, and the requests that they build."""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Generic, Literal, NamedTuple, TypeVar, cast
from urllib.parse import quote

from .models import text_of, to_json, to_multipart, validate_argument
from .types import UNSET
from .validators import Named, Validator, header

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
    moderation: Sequence[str] = ()  # words in an error if moderation withheld the result
    wrappers: Sequence[str] = ()  # names of objects that the job may be wrapped in
    cost: Sequence[str] = ()
    cost_unit: float = 1.0  # in US dollars
    suffix: str = ""  # the end of the name of the file with the result


class Parameter(NamedTuple):
    """A parameter or the body: its name in Python, where it goes, and its validators."""

    name: str
    alias: str  # its name in HTTP; of a body, its media type
    location: Literal["path", "query", "header", "json", "form"]
    validators: Sequence[Validator] = ()


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
    rules: Any = None  # the `Job` that it follows
    follower: Any = None  # the `Operation` that follows the jobs that it creates

    def read_json(self, value: Any) -> T:
        """Read the JSON of a 2xx response."""
        _, reader = self.reads.get("2XX") or self.reads["default"]
        return cast(T, reader(value) if reader else value)

    def follow(self, job_id: str) -> Request[T]:
        """The request for the job with this id."""
        return self.request(**{self.parameters[0].name: job_id})

    def request(self, **values: Any) -> Request[T]:
        """Build a request; an argument that breaks the spec is a TypeError or ValueError."""
        url, headers, query = self.path, dict[str, str](), dict[str, Any]()
        arguments: dict[str, Any] = {"method": self.method, "headers": headers}
        for name, alias, location, validators in self.parameters:
            value = values.get(name, UNSET)
            validate_argument(name, value, *validators)
            if value is UNSET or value is None:
                continue
            if location == "path":
                text = quote(text_of(value), safe="," if isinstance(value, list) else "")
                url = url.replace(f"{{{name}}}", text)
            elif location == "header":
                headers[alias] = text_of(value)
                header(None, Named(repr(name)), headers[alias])
            elif location == "query":
                query[alias] = to_json(value)
            elif location == "json":
                headers["Content-Type"] = alias
                arguments["json"] = to_json(value)
            else:  # httpx sets the media type of a form
                arguments["files"] = to_multipart(value)
        return Request(self, {**arguments, "url": url, "params": query or None})


class Create(NamedTuple):
    """An operation that creates a job, and the commands for it."""

    name: str  # of its command
    batch: str  # the name of the command that creates many of them
    module: ModuleType | Any
    model: Any  # of its body, whose fields are the options
    names: Mapping[str, str] = {}  # of options that differ from their fields
    defaults: Mapping[str, Any] = {}  # of required fields: the spec's example


class Commands(NamedTuple):
    """The operations about one kind of job, and the commands for them."""

    module: ModuleType | Any  # of the operation that follows the job
    get: str  # the name of the command that shows it
    wait: str  # the name of the command that waits for it
    creates: Sequence[Create] = ()
