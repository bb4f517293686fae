"""Fetching models: the order of the sources, the digests, the cache."""

import base64
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders.file_server import Behaviour, serving

from detlite.convert.files.cache_folder import default_cache_folder
from detlite.convert.zoo.cache import Cache
from detlite.convert.zoo.catalogue import Archive, RegistryPackage, ZooModel
from detlite.convert.zoo.fetch import fetch_model
from detlite.convert.zoo.lock import DigestLock
from detlite.runtime.errors import InputError, MissingToolError


def tgz(name: str, data: bytes = b"graph") -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), mtime=0)


ARCHIVE = tgz("tiny_2020_01_01/frozen_inference_graph.pb")
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
TARBALL = tgz("package/model/model.json", b"{}")


def model(*archives: Archive, package: RegistryPackage | None = None) -> ZooModel:
    return ZooModel(
        name="tiny",
        tasks=("boxes",),
        family="ssd_mobilenet_v1",
        framework="tf1",
        input_size=(8, 8),
        quantized=False,
        training_set=None,
        holds="frozen_graph",
        archives=archives,
        packages=() if package is None else (package,),
    )


def integrity(data: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


PACKAGE = RegistryPackage(
    registry="npm",
    name="tiny-model",
    version="1.0.0",
    file="tiny-model-1.0.0.tgz",
    size_bytes=len(TARBALL),
    sha256=hashlib.sha256(TARBALL).hexdigest(),
    integrity=integrity(TARBALL),
    folder="package/model",
)

FAKE_NPM = """#!{python}
import json, pathlib, sys
folder = pathlib.Path(sys.argv[sys.argv.index("--pack-destination") + 1])
(folder / "tiny-model-1.0.0.tgz").write_bytes(bytes.fromhex("{tarball}"))
print(json.dumps([{{"integrity": "{stated}"}}]))
"""


def install_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(script)
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def fake_npm(tarball: bytes, stated: str) -> str:
    return FAKE_NPM.format(python=sys.executable, tarball=tarball.hex(), stated=stated)


@contextmanager
def served(data: bytes, path: str = "/tiny_2020_01_01.tar.gz") -> Iterator[tuple[Archive, Behaviour]]:
    server = Behaviour({path: data})
    with serving(server) as address:
        yield Archive(f"{address}{path}"), server


def gone() -> Archive:
    with served(b"") as (archive, _server):
        return archive


def test_an_archive_is_unpacked_and_its_only_folder_returned(tmp_path: Path) -> None:
    with served(ARCHIVE) as (archive, _server):
        found = fetch_model(model(archive), Cache(tmp_path))
    assert (found.path / "frozen_inference_graph.pb").read_bytes() == b"graph"
    assert (found.path.name, found.source, found.sha256) == ("tiny_2020_01_01", archive.url, SHA256)


def test_a_second_fetch_asks_nobody(tmp_path: Path) -> None:
    with served(ARCHIVE) as (archive, _server):
        first = fetch_model(model(archive), Cache(tmp_path))
    assert fetch_model(model(archive), Cache(tmp_path)) == first


def damaged_after(spoil, tmp_path: Path) -> tuple[bytes, list[str]]:
    """Fetch a model, let *spoil* change the unpacked folder, fetch it again: the file's content, and what was said."""
    noted: list[str] = []
    with served(ARCHIVE) as (archive, _server):
        first = fetch_model(model(archive), Cache(tmp_path))
    spoil(first.path)
    again = fetch_model(model(archive), Cache(tmp_path), notice=noted.append)
    assert again == first
    assert sorted(path.name for path in (tmp_path / "unpacked").iterdir()) == [
        f".{SHA256}.lock",
        SHA256,
        f"{SHA256}.sums",
    ]
    assert [path.name for path in again.path.iterdir()] == ["frozen_inference_graph.pb"]
    return (again.path / "frozen_inference_graph.pb").read_bytes(), noted


def test_a_changed_byte_in_the_cache_is_mended_and_said(tmp_path: Path) -> None:
    def spoil(folder: Path) -> None:
        file = folder / "frozen_inference_graph.pb"
        before = file.stat()
        file.write_bytes(b"grapH")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    content, (said,) = damaged_after(spoil, tmp_path)
    assert content == b"graph"
    assert said == (
        f"{tmp_path}/unpacked/{SHA256} is not what was unpacked there (tiny_2020_01_01/frozen_inference_graph.pb "
        f"differs): unpacking {tmp_path}/files/{SHA256} again"
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "frozen_inference_graph.pb").unlink(), "differs and 1 more"),
        (lambda folder: (folder / "checkpoint").write_bytes(b"x"), "tiny_2020_01_01/checkpoint differs"),
        (lambda folder: (folder / "empty").mkdir(), "tiny_2020_01_01/empty/ differs"),
        (lambda folder: (folder / "link").symlink_to("frozen_inference_graph.pb"), "tiny_2020_01_01/link differs"),
        (lambda folder: folder.parent.with_suffix(".sums").unlink(), f"{SHA256}.sums is missing"),
    ],
    ids=["lost", "added", "added folder", "added link", "no sums"],
)
def test_any_other_change_in_the_cache_is_mended_and_said(tmp_path: Path, spoil, said) -> None:
    content, (notice,) = damaged_after(spoil, tmp_path)
    assert content == b"graph"
    assert said in notice


def test_a_file_that_is_no_archive_is_put_in_a_folder(tmp_path: Path) -> None:
    with served(b"graph", "/frozen.pb") as (archive, _server):
        found = fetch_model(model(archive), Cache(tmp_path))
    assert (found.path / "frozen.pb").read_bytes() == b"graph"


def test_the_url_is_named_before_anything_is_fetched(tmp_path: Path) -> None:
    noted: list[str] = []
    with served(ARCHIVE) as (archive, _server):
        fetch_model(model(archive), Cache(tmp_path), notice=noted.append)
    assert noted == [f"fetching tiny from {archive.url}"]


def test_a_wrong_pinned_digest_names_both_and_keeps_nothing(tmp_path: Path) -> None:
    with served(ARCHIVE) as (archive, _server):
        pinned = Archive(archive.url, sha256="0" * 64)
        with pytest.raises(InputError, match=f"its sha256 is {SHA256}, expected {'0' * 64}"):
            fetch_model(model(pinned), Cache(tmp_path))
    assert not (tmp_path / "files").exists()
    assert not list((tmp_path / "downloads").glob("*.part"))


def test_content_that_changes_after_its_first_use_is_refused(tmp_path: Path) -> None:
    other = tgz("tiny/frozen_inference_graph.pb", b"other")
    with served(ARCHIVE) as (archive, server):
        fetch_model(model(archive), Cache(tmp_path))
        (tmp_path / "files" / SHA256).unlink()
        server.files["/tiny_2020_01_01.tar.gz"] = other
        with pytest.raises(InputError, match=f"has changed: .*, and was {SHA256} at first use"):
            fetch_model(model(archive), Cache(tmp_path))


def test_a_cached_file_that_was_damaged_is_fetched_again(tmp_path: Path) -> None:
    with served(ARCHIVE) as (archive, server):
        fetch_model(model(archive), Cache(tmp_path))
        (tmp_path / "files" / SHA256).write_bytes(b"damaged")
        fetch_model(model(archive), Cache(tmp_path))
    assert len(server.ranges) == 2


def test_a_bad_archive_is_neither_kept_nor_recorded(tmp_path: Path) -> None:
    with served(ARCHIVE[:-20]) as (archive, server):
        with pytest.raises(InputError, match=r"was discarded: .*truncated"):
            fetch_model(model(archive), Cache(tmp_path))
        server.files["/tiny_2020_01_01.tar.gz"] = ARCHIVE
        assert fetch_model(model(archive), Cache(tmp_path)).sha256 == SHA256


def test_the_package_is_taken_where_the_archive_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_npm(tmp_path / "bin", monkeypatch, fake_npm(TARBALL, integrity(TARBALL)))
    noted: list[str] = []
    found = fetch_model(model(gone(), package=PACKAGE), Cache(tmp_path / "cache"), notice=noted.append)
    assert (found.path / "model.json").read_bytes() == b"{}"
    assert found.source == "npm:tiny-model@1.0.0"
    assert any("cannot be reached" in line for line in noted)


def test_a_tarball_that_the_registry_does_not_vouch_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_npm(tmp_path / "bin", monkeypatch, fake_npm(TARBALL, integrity(b"else")))
    with pytest.raises(InputError, match="does not match the registry"):
        fetch_model(model(package=PACKAGE), Cache(tmp_path / "cache"))


def test_a_tarball_that_the_catalogue_does_not_know_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_npm(tmp_path / "bin", monkeypatch, fake_npm(ARCHIVE, integrity(ARCHIVE)))
    with pytest.raises(InputError, match="does not match the catalogue"):
        fetch_model(model(package=PACKAGE), Cache(tmp_path / "cache"))


def test_the_words_of_an_npm_that_fails_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"#!{sys.executable}\nimport sys\nsys.exit('npm error code ENOTFOUND')\n"
    install_npm(tmp_path / "bin", monkeypatch, script)
    with pytest.raises(MissingToolError, match=r"npm pack failed \(1\): npm error code ENOTFOUND"):
        fetch_model(model(package=PACKAGE), Cache(tmp_path / "cache"))


def test_where_all_sources_fail_one_message_says_why_each_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    archive = gone()
    with pytest.raises(MissingToolError) as caught:
        fetch_model(model(archive, package=PACKAGE), Cache(tmp_path / "cache"))
    text = str(caught.value)
    assert text.index(f"{archive.url} cannot be reached") < text.index("npm is not on the path")
    assert text.endswith("and give its folder with --from FOLDER")


def test_a_named_folder_is_tried_first_and_nothing_is_downloaded(tmp_path: Path) -> None:
    (tmp_path / "tiny_2020_01_01.tar.gz").write_bytes(ARCHIVE)
    with served(ARCHIVE) as (archive, server):
        found = fetch_model(model(archive), Cache(tmp_path / "cache"), folder=tmp_path)
    assert (found.sha256, server.ranges) == (SHA256, [])
    assert found.source == str(tmp_path / "tiny_2020_01_01.tar.gz")
    assert (tmp_path / "tiny_2020_01_01.tar.gz").exists()


@pytest.mark.parametrize("where", ["", "tiny_2020_01_01", "package/model"])
def test_a_named_folder_may_hold_the_unpacked_files(tmp_path: Path, where: str) -> None:
    (tmp_path / where).mkdir(parents=True, exist_ok=True)
    (tmp_path / where / "model.json").write_bytes(b"{}")
    wanted = model(Archive("https://example.invalid/tiny_2020_01_01.tar.gz"), package=PACKAGE)
    found = fetch_model(wanted, Cache(tmp_path / "cache"), folder=tmp_path)
    assert (found.path, found.sha256) == (tmp_path / where, hashlib.sha256(b"{}").hexdigest())


def test_a_named_folder_without_the_model_is_an_error_not_a_download(tmp_path: Path) -> None:
    with served(ARCHIVE) as (archive, server):
        with pytest.raises(InputError, match=r"does not hold tiny: want tiny_2020_01_01\.tar\.gz"):
            fetch_model(model(archive), Cache(tmp_path / "cache"), folder=tmp_path)
        assert server.ranges == []


def test_a_folder_s_archive_must_have_the_pinned_digest(tmp_path: Path) -> None:
    (tmp_path / "tiny.tar.gz").write_bytes(ARCHIVE)
    wanted = model(Archive("https://example.invalid/tiny.tar.gz", sha256="1" * 64))
    with pytest.raises(InputError, match=f"expected {'1' * 64}"):
        fetch_model(wanted, Cache(tmp_path / "cache"), folder=tmp_path)


def test_a_date_chooses_the_archive_of_that_date(tmp_path: Path) -> None:
    with served(ARCHIVE) as (archive, _server):
        newer = Archive(archive.url.replace("2020_01_01", "2021_01_01"))
        found = fetch_model(model(newer, archive), Cache(tmp_path), called="tiny_2020_01_01.tar.gz")
    assert found.source == archive.url


def test_a_model_that_nobody_publishes_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the weights of tiny are not published"):
        fetch_model(model(), Cache(tmp_path))


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / "unpacked" / f".{SHA256}.abc.partial"
    left.mkdir(parents=True)
    with served(ARCHIVE) as (archive, _server):
        fetch_model(model(archive), Cache(tmp_path))
    assert not left.exists()


PROGRAM = """
import sys
from pathlib import Path
sys.path[:0] = {folders!r}
from test_fetch import model
from detlite.convert.zoo.cache import Cache
from detlite.convert.zoo.catalogue import Archive
from detlite.convert.zoo.fetch import fetch_model
print(fetch_model(model(Archive({url!r})), Cache(Path({cache!r}))).sha256)
"""


def test_processes_that_fetch_at_once_share_one_download(tmp_path: Path) -> None:
    with served(ARCHIVE) as (archive, server):
        folders = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
        program = PROGRAM.format(folders=folders, url=archive.url, cache=str(tmp_path))
        runs = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)]
        answers = [run.communicate(timeout=300)[0].strip() for run in runs]
    assert answers == [SHA256] * 3
    assert len(server.ranges) == 1


def test_the_cache_folder_is_the_first_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.delenv("DETLITE_CACHE", raising=False)
    assert default_cache_folder() == Path("/xdg/detlite")
    monkeypatch.setenv("DETLITE_CACHE", "/own")
    assert default_cache_folder() == Path("/own")


def test_a_cache_folder_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_npm(tmp_path / "bin", monkeypatch, fake_npm(TARBALL, integrity(TARBALL)))
    monkeypatch.chdir(tmp_path)
    assert fetch_model(model(package=PACKAGE), Cache(Path("cache"))).path.is_dir()


def test_a_cache_folder_under_a_file_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot create .*: Not a directory; choose another cache folder"):
        fetch_model(model(package=PACKAGE), Cache(tmp_path / "file" / "cache"))


def test_a_digest_recorded_is_found_by_another_reader(tmp_path: Path) -> None:
    DigestLock(tmp_path / "digests.json").record("a", "1" * 64)
    DigestLock(tmp_path / "digests.json").record("b", "2" * 64)
    assert DigestLock(tmp_path / "digests.json").known("a") == "1" * 64


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": "x", "schema_version": 1, "files": {}}'])
def test_a_damaged_digest_lock_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "digests.json").write_text(text)
    with pytest.raises(InputError, match=r"digests\.json (is damaged|has another version)"):
        DigestLock(tmp_path / "digests.json").known("a")


def test_the_digest_lock_is_json_with_a_schema(tmp_path: Path) -> None:
    DigestLock(tmp_path / "digests.json").record("a", "1" * 64)
    assert json.loads((tmp_path / "digests.json").read_text()) == {
        "schema": "detlite.digests",
        "schema_version": 1,
        "files": {"a": "1" * 64},
    }
