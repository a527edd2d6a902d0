"""What leaves the client is what was meant, to the byte, and what comes back is kept."""

import httpx
import pytest

from bodies import BAD, GOOD, Body
from conftest import TOKEN, Arrived, compact
from grok_imagine_video import (
    AuthenticatedClient,
    CreateVideoRequest,
    CreateVideoResponse,
    create_video,
)
from ways import Way


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_the_bytes_are_those_that_were_meant(
    way: Way, body: Body, client: AuthenticatedClient, arrived: list[Arrived]
) -> None:
    request = CreateVideoRequest.from_dict(body)
    response = way.call(create_video, "sync_detailed", client, body=request)
    assert response.status_code == 200
    assert type(response.parsed) is CreateVideoResponse
    assert response.parsed.to_dict().keys() == {"request_id"}
    (sent,) = arrived
    assert (sent.method, sent.path) == ("POST", "/v1/videos/generations")
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.body == compact(body)


@pytest.mark.parametrize(("field", "body"), BAD.values(), ids=BAD)
def test_a_bad_body_is_refused_by_client_and_relay(field: str, body: Body, base_url: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"'{field.split('.')[0]}'"):
        CreateVideoRequest.from_dict(body)
    headers = {"authorization": f"Bearer {TOKEN}"}
    response = httpx.post(f"{base_url}/v1/videos/generations", json=body, headers=headers)
    assert (response.status_code, response.json()["error"]["param"]) == (400, field)
