"""Downloads from a local server that drops connections, states wrong lengths and redirects."""

import json
from pathlib import Path

import pytest
from builders.file_server import Behaviour, serving

from detlite.convert.zoo.download import download
from detlite.convert.zoo.https import check_safe
from detlite.runtime.errors import InputError, MissingToolError

BODY = bytes(range(256)) * 4096  # 1 MiB


def test_a_file_arrives_whole(tmp_path: Path) -> None:
    with serving(Behaviour({"/m.tar.gz": BODY})) as address:
        download(f"{address}/m.tar.gz", tmp_path / "m.part")
    assert (tmp_path / "m.part").read_bytes() == BODY


def test_progress_ends_at_the_whole_length(tmp_path: Path) -> None:
    reports: list[tuple[str, int, int]] = []
    with serving(Behaviour({"/m.tar.gz": BODY})) as address:
        download(f"{address}/m.tar.gz", tmp_path / "m.part", progress=lambda *report: reports.append(report))
    assert reports[-1] == ("m.tar.gz", 1 << 20, 1 << 20)


def test_a_dropped_connection_is_resumed_where_it_stopped(tmp_path: Path) -> None:
    server = Behaviour({"/m": BODY}, cut_after=[1000, 500])
    with serving(server) as address:
        download(f"{address}/m", tmp_path / "m.part")
    assert (tmp_path / "m.part").read_bytes() == BODY
    assert server.ranges == [None, "bytes=1000-", "bytes=1500-"]


def test_a_later_run_resumes_the_download_of_a_killed_one(tmp_path: Path) -> None:
    server = Behaviour({"/m": BODY}, cut_after=[4096, 0])
    with serving(server) as address:
        with pytest.raises(MissingToolError, match="stopped at 4096 of 1048576 bytes; run again"):
            download(f"{address}/m", tmp_path / "m.part")
        download(f"{address}/m", tmp_path / "m.part")
    assert (tmp_path / "m.part").read_bytes() == BODY
    assert server.ranges == [None, "bytes=4096-", "bytes=4096-"]


def test_a_file_that_changed_in_between_is_fetched_from_the_start(tmp_path: Path) -> None:
    server = Behaviour({"/m": b"old " * 1000}, cut_after=[100, 0])
    with serving(server) as address:
        with pytest.raises(MissingToolError):
            download(f"{address}/m", tmp_path / "m.part")
        server.files["/m"], server.etag = b"new " * 1000, '"two"'
        download(f"{address}/m", tmp_path / "m.part")
    assert (tmp_path / "m.part").read_bytes() == b"new " * 1000


def test_a_server_that_ignores_ranges_is_read_from_the_start(tmp_path: Path) -> None:
    server = Behaviour({"/m": BODY}, cut_after=[1000], ignores_range=True)
    with serving(server) as address:
        download(f"{address}/m", tmp_path / "m.part")
    assert (tmp_path / "m.part").read_bytes() == BODY


def test_a_part_without_a_validator_is_not_resumed(tmp_path: Path) -> None:
    server = Behaviour({"/m": BODY}, etag="", cut_after=[1000])
    with serving(server) as address:
        download(f"{address}/m", tmp_path / "m.part")
    assert server.ranges == [None, None]


def test_a_part_longer_than_the_file_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "m.part").write_bytes(bytes(5000))
    with serving(Behaviour({"/m": BODY[:4000]})) as address:
        state = {"url": f"{address}/m", "validator": '"one"', "total": 9000}
        (tmp_path / "m.part.json").write_text(json.dumps(state))
        download(f"{address}/m", tmp_path / "m.part")
    assert (tmp_path / "m.part").read_bytes() == BODY[:4000]


def test_a_complete_part_is_not_requested_again(tmp_path: Path) -> None:
    server = Behaviour({"/m": BODY})
    with serving(server) as address:
        download(f"{address}/m", tmp_path / "m.part")
        download(f"{address}/m", tmp_path / "m.part")
    assert server.ranges == [None]


def test_a_damaged_state_file_restarts_the_download(tmp_path: Path) -> None:
    (tmp_path / "m.part").write_bytes(b"something")
    (tmp_path / "m.part.json").write_text("{")
    with serving(Behaviour({"/m": BODY})) as address:
        download(f"{address}/m", tmp_path / "m.part")
    assert (tmp_path / "m.part").read_bytes() == BODY


def test_a_length_that_promises_more_than_comes_is_an_error(tmp_path: Path) -> None:
    server = Behaviour({"/m": BODY}, adds_to_length=10, ignores_range=True)
    with (
        serving(server) as address,
        pytest.raises(MissingToolError, match="stopped at 1048576 of 1048586 bytes"),
    ):
        download(f"{address}/m", tmp_path / "m.part")


def test_a_length_over_any_model_is_refused(tmp_path: Path) -> None:
    server = Behaviour({"/m": BODY}, adds_to_length=100 << 30)
    with serving(server) as address, pytest.raises(InputError, match="the limit is 8589934592"):
        download(f"{address}/m", tmp_path / "m.part")
    assert not (tmp_path / "m.part").exists()


def test_a_missing_file_says_404(tmp_path: Path) -> None:
    with serving(Behaviour({})) as address, pytest.raises(MissingToolError, match="cannot download .*/m: HTTP 404"):
        download(f"{address}/m", tmp_path / "m.part")


def test_a_login_page_is_not_taken_for_a_file(tmp_path: Path) -> None:
    server = Behaviour({"/m": b"<html>"}, content_type="text/html; charset=utf-8")
    with serving(server) as address, pytest.raises(MissingToolError, match="a web page, not a file"):
        download(f"{address}/m", tmp_path / "m.part")


def test_a_host_where_nothing_listens_is_named(tmp_path: Path) -> None:
    with serving(Behaviour({})) as address:
        pass
    with pytest.raises(MissingToolError, match=r"cannot be reached: .*refused"):
        download(f"{address}/m", tmp_path / "m.part")


def test_a_redirect_on_this_machine_is_followed(tmp_path: Path) -> None:
    server = Behaviour({"/there": BODY})
    with serving(server) as address:
        server.redirects["/here"] = f"{address}/there"
        download(f"{address}/here", tmp_path / "m.part")
    assert (tmp_path / "m.part").read_bytes() == BODY


@pytest.mark.parametrize("target", ["http://example.invalid/m", "ftp://example.invalid/m"])
def test_a_redirect_to_anything_but_https_is_refused(tmp_path: Path, target: str) -> None:
    server = Behaviour({}, redirects={"/m": target})
    with serving(server) as address, pytest.raises(MissingToolError, match="only https is safe"):
        download(f"{address}/m", tmp_path / "m.part")


@pytest.mark.parametrize("url", ["http://localhost.evil.invalid/x", "file:///etc/passwd", "http://10.0.0.1/x", "x"])
def test_an_unsafe_address_is_refused(url: str) -> None:
    with pytest.raises(MissingToolError, match="only https is safe"):
        check_safe(url)
