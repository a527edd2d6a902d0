# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Where the API is, and how to talk to it."""

from collections.abc import Sequence as _Sequence

from grok_imagine_video_runtime import client as _client
from grok_imagine_video_runtime.config import Package as _Package
from grok_imagine_video_runtime.operations import Commands as _Commands

from . import __version__ as _version


def _jobs() -> _Sequence[_Commands]:
    from ._commands import COMMANDS  # these modules import this one

    return COMMANDS


_PACKAGE = _Package(
    "grok_imagine_video",
    "Grok Imagine Video",
    _version,
    {"base_url": "GROK_BASE_URL", "token": "GROK_API_KEY"},
    _jobs,
)


class Client(_client.Client):
    """A client for a gateway that needs no API key.

    Use it in a `with` or `async with` block, or call `close` or `aclose`. Threads may share it. It
    is immutable: `with_headers`, `with_cookies` and `with_timeout` return another client on the
    same connections; `attrs.evolve` returns one with its own if it changes how to connect. A pickle
    has everything except the connections; of an `AuthenticatedClient`, it has the API key too.

    Args:
        base_url: Where the API is, such as `https://gateway.example`; a path is kept.
            Default: the environment variable `GROK_BASE_URL`.
        headers: Headers to send with every request.
        cookies: Cookies to send with every request.
        timeout: Seconds or an `httpx.Timeout`; None means no limit. Default: 60, but 10 to connect,
            and 300 to send a request.
        verify_ssl: Whether to verify the server's certificate, or the context to verify it with.
        follow_redirects: Whether to follow redirects within the origin of `base_url`.
        httpx_args: More arguments for `httpx.Client` and `httpx.AsyncClient`, such as `proxy`.
        max_retries: How often a request is retried, 0 or more, if it cannot be paid for twice.
            Default: 2.
        async_transport: A class or function that makes a transport for `httpx.AsyncClient`, such as
            `httpx_aiohttp.AiohttpTransport`, called once for each event loop; or a transport, for
            one event loop. A `POST` on it is sent again after 429 only. Default: connections of
            this package.
        max_response_size: How many bytes of a response are read, 0 or more; a larger one is an
            error. It does not apply to downloads. Default: 64 MiB.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `base_url` is missing or not a URL, a header contains a line break, or
            `async_transport` would ignore `verify_ssl` or something in `httpx_args`.
    """

    __slots__ = ()
    package = _PACKAGE


class AuthenticatedClient(_client.AuthenticatedClient, Client):
    """A client that authenticates with an API key; the other arguments are those of `Client`.

    The key is sent to the origin of `base_url` only, and is in no repr, log line or error.

    Args:
        base_url: Where the API is. Default: the environment variable `GROK_BASE_URL`.
        token: The API key. Default: the environment variable `GROK_API_KEY`.
        prefix: What precedes the key in the header. Default: "Bearer"; "" for nothing.
        auth_header_name: The header for the key. Default: "Authorization".
        allow_plain_http: Send the key unencrypted to another machine. Default: False.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The key is missing or would be sent unencrypted, or as for `Client`.
    """

    __slots__ = ()
    package = _PACKAGE


__all__ = ["AuthenticatedClient", "Client"]
