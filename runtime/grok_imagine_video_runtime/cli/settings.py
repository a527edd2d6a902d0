"""The options that depend on no spec: how to reach the API, how to wait, how to show things."""

import os
from pathlib import Path
from typing import Annotated, Any

import attrs
import httpx
from attrs import frozen
from cyclopts import Group, Parameter

from .._redirects import without_secrets
from ..client import AuthenticatedClient, Client
from ..config import Package

REQUEST = Group("Request", sort_key=0)
_WAITING = Group("Waiting", sort_key=1)
_GENERAL = Group("General", sort_key=2)

# A switch that is off unless it is typed.
Flag = Annotated[bool, Parameter(negative="", show_default=False)]
Seconds = Annotated[float, Parameter(metavar="SECONDS")]


@frozen
class Clients:
    """The classes of clients that a package has: without a token, and with one."""

    plain: type[Client]
    authenticated: type[AuthenticatedClient]

    @property
    def package(self) -> Package:
        """The package."""
        return self.plain.package


@Parameter(name="*")
@frozen
class Creating:
    """What else there is to say about a request.

    Attributes:
        extra: A field that the spec does not have. Repeatable.
        no_wait: Print the id of the job, and do not wait for it.
    """

    extra: Annotated[
        list[str] | None, Parameter(metavar="NAME=JSON", negative="", group=REQUEST)
    ] = None
    no_wait: Annotated[Flag, Parameter(group=_WAITING)] = False


@Parameter(name="*", group=_WAITING)
@frozen
class Waiting:
    """How to wait for a job, and where to save what it makes.

    Attributes:
        output: Where to save the result.
        interval: How long to wait between two requests.
        timeout: How long to wait in all.
    """

    output: Annotated[Path | None, Parameter(alias="-o", metavar="FILE")] = None
    interval: Seconds = 5.0
    timeout: Seconds = 900.0


@Parameter(name="*", group=_GENERAL)
@frozen
class Settings:
    """How to reach the API, and how to show what happens.

    Attributes:
        base_url: Where the API is.
        no_key: Send no key.
        allow_plain_http: Send the key unencrypted to another machine.
        is_json: Print an object of JSON for each event.
        is_verbose: Show each request, without secrets.
    """

    base_url: Annotated[str | None, Parameter(metavar="URL")] = None
    no_key: Flag = False
    allow_plain_http: Flag = False
    is_json: Annotated[Flag, Parameter(name="--json")] = False
    is_verbose: Annotated[Flag, Parameter(name=("--verbose", "-v"))] = False

    def typed(self) -> list[str]:
        """What has to be typed again to reach the same API."""
        flags = [("--no-key", self.no_key), ("--allow-plain-http", self.allow_plain_http)]
        url = [] if self.base_url is None else ["--base-url", self.base_url]
        return [*url, *(name for name, is_set in flags if is_set)]

    def found(self, package: Package) -> list["Setting"]:
        """What is set, and where."""
        url = Setting("base_url", self.base_url, "--base-url")
        url = _from_environment(package, "base_url") if self.base_url is None else url
        token = Setting("token", None, "--no-key", is_needed=False)
        return [url, token if self.no_key else _from_environment(package, "token")]

    def client(self, clients: Clients, hooks: dict[str, Any]) -> Client:
        """A client with these event hooks of httpx.

        Raises:
            ValueError: Something is not set, or cannot be used.
        """
        url, token = (setting.checked() for setting in self.found(clients.package))
        given: dict[str, Any] = {"httpx_args": {"event_hooks": hooks}}
        if token is None:
            return clients.plain(url or "", **given)
        try:
            allow = self.allow_plain_http
            return clients.authenticated(url or "", token, allow_plain_http=allow, **given)
        except ValueError as error:
            msg = str(error).replace("allow_plain_http=True", "--allow-plain-http")
            raise ValueError(msg) from None


@frozen
class Setting:
    """A setting, and where it comes from: an option, or a variable of the environment."""

    name: str
    value: str | None = attrs.field(repr=False)
    source: str | None
    is_needed: bool = True

    def checked(self) -> str | None:
        """The value; refuse to go on without one that is needed."""
        if self.value is None and self.is_needed:
            option = {"base_url": "--base-url URL", "token": "--no-key"}[self.name]
            variable = f"set {self.source}, or " if self.source else ""
            msg = f"{self.name} is missing: {variable}pass {option}"
            raise ValueError(msg)
        return self.value

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


def _from_environment(package: Package, name: str) -> Setting:
    variable = package.environment.get(name)
    is_needed = name != "token" or variable is not None
    return Setting(name, os.environ.get(variable or "") or None, variable, is_needed)
