"""What travels compressed: pages and texts of ours, for whoever says that they take it."""

import gzip

import httpx
import pytest
from tests.conftest import HubServer


@pytest.mark.parametrize("address", ["/models", "/static/css/main.css", "/static/icon.svg"])
def test_pages_and_texts_travel_compressed_for_who_takes_gzip(
    hub_server: HubServer, address: str
) -> None:
    with httpx.Client(base_url=hub_server.url) as client:
        plain = client.get(address, headers={"Accept-Encoding": "identity"})
        with client.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as packed:
            raw = b"".join(packed.iter_raw())

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert len(raw) == int(packed.headers["content-length"])
    assert len(raw) < len(plain.content)
    if address.startswith("/static/"):
        assert gzip.decompress(raw) == plain.content


def test_the_first_page_with_all_it_loads_is_light(hub_server: HubServer) -> None:
    with httpx.Client(base_url=hub_server.url, headers={"Accept-Encoding": "gzip"}) as client:
        page = client.get("/")
        parts = [
            line.partition("src=" if "src=" in line else "href=")[2].split('"')[1]
            for line in page.text.replace("<", "\n<").splitlines()
            if line.startswith(
                ('<script type="module" src=', "<script src=", '<link rel="stylesheet"')
            )
        ]
        sizes = [int(page.headers["content-length"])]
        sizes += [int(client.head(part).headers["content-length"]) for part in parts]

    assert len(sizes) >= 3
    assert sum(sizes) < 60_000
