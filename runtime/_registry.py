"""Which operations create jobs, and which follow them. The generated `_jobs.py` lists those."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen


@frozen
class Create:
    """An operation that creates a job.

    Attributes:
        name: The name of its command.
        batch: The name of the command that creates many of them.
        operation: Its module.
        body: The model of its body; each of its fields is an option.
        names: The options whose name is not that of their field, by field.
        defaults: What is sent for fields that are required and left out: the example of the spec.
    """

    name: str
    batch: str
    operation: Any
    body: Any
    names: Mapping[str, str] = field(factory=dict)
    defaults: Mapping[str, Any] = field(factory=dict)


@frozen
class Job:
    """The operations about one kind of job.

    Attributes:
        operation: The module of the operation that follows the job.
        get: The name of the command that shows it.
        wait: The name of the command that waits for it.
        creates: The operations that create it.
    """

    operation: Any
    get: str
    wait: str
    creates: Sequence[Create] = ()


__all__ = ["Create", "Job"]
