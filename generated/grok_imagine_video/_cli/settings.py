# Do not edit: copied from runtime/_cli/settings.py, whatever the spec says.
# To change it, edit runtime/_cli/settings.py and run: make generate
"""The options that depend on no spec: how to reach the API, how to wait, how to show things."""

import os
import typing
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import attrs
import httpx
from attrs import frozen
from cyclopts import Group, Parameter

from .._redirects import without_secrets
from ..client import AuthenticatedClient, Client
from . import PACKAGE
from .trace import Trace

REQUEST = Group("Request", sort_key=0)
_WAITING = Group("Waiting", sort_key=1)
_GENERAL = Group("General", sort_key=2)


@Parameter(name="*")
@frozen
class Creating:
    """What else there is to say about a request."""

    extra: Annotated[
        list[str] | None,
        Parameter(
            name="--extra",
            metavar="NAME=JSON",
            help="A field that the spec does not have. Repeatable.",
            negative="",
            group=REQUEST,
        ),
    ] = None
    no_wait: Annotated[
        bool,
        Parameter(
            name="--no-wait",
            help="Print the id of the job, and do not wait for it.",
            negative="",
            show_default=False,
            group=_WAITING,
        ),
    ] = False


@Parameter(name="*", group=_WAITING)
@frozen
class Waiting:
    """How to wait for a job, and where to save what it makes."""

    output: Annotated[
        Path | None,
        Parameter(name=("--output", "-o"), metavar="FILE", help="Where to save the result."),
    ] = None
    interval: Annotated[
        float,
        Parameter(
            name="--interval", metavar="SECONDS", help="How long to wait between two requests."
        ),
    ] = 5.0
    timeout: Annotated[
        float,
        Parameter(name="--timeout", metavar="SECONDS", help="How long to wait in all."),
    ] = 900.0


@Parameter(name="*", group=_GENERAL)
@frozen
class Settings:
    """How to reach the API, and how to show what happens."""

    base_url: Annotated[
        str | None,
        Parameter(name="--base-url", metavar="URL", help="Where the API is."),
    ] = None
    no_key: Annotated[
        bool,
        Parameter(name="--no-key", help="Send no key.", negative="", show_default=False),
    ] = False
    allow_plain_http: Annotated[
        bool,
        Parameter(
            name="--allow-plain-http",
            help="Send the key unencrypted to another machine.",
            negative="",
            show_default=False,
        ),
    ] = False
    is_json: Annotated[
        bool,
        Parameter(
            name="--json",
            help="Print an object of JSON for each event.",
            negative="",
            show_default=False,
        ),
    ] = False
    is_verbose: Annotated[
        bool,
        Parameter(
            name=("--verbose", "-v"),
            help="Show each request, without secrets.",
            negative="",
            show_default=False,
        ),
    ] = False

    def typed(self) -> list[str]:
        """What has to be typed again to reach the same API."""
        flags = [("--no-key", self.no_key), ("--allow-plain-http", self.allow_plain_http)]
        url = [] if self.base_url is None else ["--base-url", self.base_url]
        return [*url, *(name for name, is_set in flags if is_set)]

    def found(self) -> list["Setting"]:
        """What is set, and where."""
        url = Setting("base_url", self.base_url, "--base-url")
        url = _from_environment("base_url") if self.base_url is None else url
        token = Setting("token", None, "--no-key", is_needed=False)
        return [url, token if self.no_key else _from_environment("token")]

    def client(self, trace: Trace, hooks: dict[str, Any] | None = None) -> Client:
        """A client whose requests `trace` sees, through its hooks for httpx or others.

        Raises:
            ValueError: Something is not set, or cannot be used.
        """
        for setting in self.found():
            setting.check()
        url, token = self.found()
        hooks = trace.hooks if hooks is None else hooks
        given: dict[str, Any] = {"httpx_args": {"event_hooks": hooks}}
        if token.value is None:
            trace.client = Client(url.value or "", **given)
            return trace.client
        given["allow_plain_http"] = self.allow_plain_http
        try:
            trace.client = AuthenticatedClient(url.value or "", token.value, **given)
        except ValueError as error:
            msg = str(error).replace("allow_plain_http=True", "--allow-plain-http")
            raise ValueError(msg) from None
        return trace.client


@frozen
class Setting:
    """A setting, and where it comes from: an option, or a variable of the environment."""

    name: str
    value: str | None = attrs.field(repr=False)
    source: str | None
    is_needed: bool = True

    def check(self) -> None:
        """Refuse to go on without it."""
        if self.value is None and self.is_needed:
            option = {"base_url": "--base-url URL", "token": "--no-key"}[self.name]
            variable = f"set {self.source}, or " if self.source else ""
            msg = f"{self.name} is missing: {variable}pass {option}"
            raise ValueError(msg)

    @property
    def shown(self) -> str | None:
        """The value, unless it is a secret."""
        if self.name == "token" or self.value is None:
            return None
        try:
            return without_secrets(httpx.URL(self.value))
        except httpx.InvalidURL:
            return self.value

    def to_dict(self) -> dict[str, Any]:
        """The setting in JSON."""
        return {"value": self.shown, "is_set": self.value is not None, "source": self.source}

    def __str__(self) -> str:
        """The setting in a line."""
        missing = "not set" if self.is_needed else "none is sent"
        text = missing if self.value is None else self.shown or "set, and not shown"
        return f"{text} ({self.source})" if self.source else text


def _from_environment(name: str) -> Setting:
    variable = import_module(PACKAGE)._ENVIRONMENT.get(name)
    is_needed = name != "token" or variable is not None
    return Setting(name, os.environ.get(variable or "") or None, variable, is_needed)


def names_of(*kinds: type) -> set[str]:
    """All options of these classes."""
    names = {"--help", "--version"}
    for kind in kinds:
        for hint in typing.get_type_hints(kind, include_extras=True).values():
            names.update(hint.__metadata__[0].name)
    return names
