"""Unpacking valid, damaged and hostile archives."""

import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detlite.convert.files.archive import Limits, Member, is_archive, members, unpack
from detlite.runtime.errors import InputError

GIGABYTE = 1 << 30


def tar_of(*infos: tuple[tarfile.TarInfo, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for info, data in infos:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return raw.getvalue()


def a_file(name: str, data: bytes = b"weights") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), data


def a_link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def special(name: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind
    return info, b""


def write(folder: Path, data: bytes, name: str = "model.tar.gz") -> Path:
    path = folder / name
    path.write_bytes(data if name.endswith((".tar", ".zip")) else gzip.compress(data, mtime=0))
    return path


def refused(archive: Path, *, limits: Limits | None = None) -> str:
    """Return the text of the error, after checking that no file is left over."""
    before = sorted(archive.parent.iterdir())
    with pytest.raises(InputError) as caught:
        unpack(archive, archive.parent / "out", limits=limits)
    assert sorted(archive.parent.iterdir()) == before
    return str(caught.value)


def test_a_tar_gz_is_unpacked_with_its_folders(tmp_path: Path) -> None:
    archive = write(tmp_path, tar_of(special("model", tarfile.DIRTYPE), a_file("model/graph.pb", b"abc")))
    assert unpack(archive, tmp_path / "out") == tmp_path / "out"
    assert (tmp_path / "out/model/graph.pb").read_bytes() == b"abc"


def test_a_tar_without_gzip_is_told_by_its_bytes(tmp_path: Path) -> None:
    archive = write(tmp_path, tar_of(a_file("graph.pb")), "model.tar").rename(tmp_path / "model.tgz")
    assert (unpack(archive, tmp_path / "out") / "graph.pb").read_bytes() == b"weights"


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model/graph.pb", b"abc")
    assert (unpack(tmp_path / "model.zip", tmp_path / "out") / "model/graph.pb").read_bytes() == b"abc"


def test_members_are_listed_without_unpacking(tmp_path: Path) -> None:
    archive = write(tmp_path, tar_of(a_file("a/graph.pb", b"abc"), a_file("a/pipeline.config", b"")))
    assert members(archive) == (Member("a/graph.pb", 3), Member("a/pipeline.config", 0))
    assert list(tmp_path.iterdir()) == [archive]


def test_a_program_in_an_archive_loses_its_execute_bit(tmp_path: Path) -> None:
    info, data = a_file("run.sh")
    info.mode = 0o6777
    path = unpack(write(tmp_path, tar_of((info, data))), tmp_path / "out") / "run.sh"
    assert path.stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "a\\..\\..\\evil", "..", "a/.."])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    assert "is outside the archive's folder" in refused(write(tmp_path, tar_of(a_file("ok"), a_file(name))))


@pytest.mark.parametrize("name", ["/etc/evil", "\\evil", "C:evil", "c:\\evil", "//host/evil"])
def test_an_absolute_name_is_refused(tmp_path: Path, name: str) -> None:
    assert "has an absolute path" in refused(write(tmp_path, tar_of(a_file(name))))


def test_a_zip_name_that_leads_out_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as file:
        file.writestr("../evil", b"")
    assert "is outside the archive's folder" in refused(tmp_path / "model.zip")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "x/../../secret"])
def test_a_link_out_is_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    assert ", outside the archive" in refused(write(tmp_path, tar_of(a_link("link", target, kind))))


def test_a_link_to_a_folder_is_refused_before_anything_goes_through_it(tmp_path: Path) -> None:
    steps = [special("real", tarfile.DIRTYPE), a_link("door", "real"), a_file("door/evil")]
    assert "is not a file earlier in the archive" in refused(write(tmp_path, tar_of(*steps)))


def test_a_link_to_a_file_of_the_archive_becomes_a_copy(tmp_path: Path) -> None:
    archive = write(tmp_path, tar_of(a_file("a/graph.pb", b"abc"), a_link("a/latest.pb", "graph.pb")))
    copy = unpack(archive, tmp_path / "out") / "a/latest.pb"
    assert copy.read_bytes() == b"abc"
    assert not copy.is_symlink()


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_are_refused(tmp_path: Path, kind: bytes) -> None:
    assert "device" in refused(write(tmp_path, tar_of(special("dev", kind))))


def test_a_symlink_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as file:
        file.writestr(info, "/etc/passwd")
    assert "link or a device" in refused(tmp_path / "model.zip")


def test_a_header_that_promises_100_gigabytes_is_refused_before_a_byte_is_written(tmp_path: Path) -> None:
    info = tarfile.TarInfo("weights")
    info.size = 100 * GIGABYTE
    archive = write(tmp_path, info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert "107374182400 bytes" in refused(archive)


def test_a_hundred_headers_of_a_gigabyte_are_refused_together(tmp_path: Path) -> None:
    limits = Limits(ratio_from_bytes=200 * GIGABYTE, total_bytes=3 * 512)
    files = tar_of(*(a_file(f"f{i}", bytes(512)) for i in range(4)))
    assert "more than 1536 bytes" in refused(write(tmp_path, files), limits=limits)


def test_a_bomb_that_shrinks_a_thousandfold_is_refused_when_it_reaches_the_ratio(tmp_path: Path) -> None:
    archive = write(tmp_path, tar_of(a_file("zeros", bytes(24 << 20))))
    assert archive.stat().st_size < 40_000
    assert "16777216" in refused(archive)


def test_a_zip_whose_header_understates_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(1 << 20))
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 1 << 20), struct.pack("<I", 10)))
    assert "truncated, corrupt or not a .tar.gz" in refused(path)


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("sparse")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.map": "0,1",
        "GNU.sparse.size": str(100 * GIGABYTE),
    }
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info)
    assert "sparse" in refused(write(tmp_path, raw.getvalue()))


def test_a_header_of_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2 * GIGABYTE
    assert "header has more than" in refused(write(tmp_path, info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)))


def test_more_members_than_allowed_are_refused(tmp_path: Path) -> None:
    archive = write(tmp_path, tar_of(*(a_file(f"f{i}", b"") for i in range(6))))
    assert "more than 5 members" in refused(archive, limits=Limits(members=5))


def test_a_file_over_its_limit_is_refused(tmp_path: Path) -> None:
    archive = write(tmp_path, tar_of(a_file("big", bytes(11))))
    assert "big has 11 bytes; the limit is 10" in refused(archive, limits=Limits(member_bytes=10))


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    assert "holds graph.pb twice" in refused(write(tmp_path, tar_of(a_file("graph.pb"), a_file("graph.pb"))))


def test_a_file_that_is_also_a_folder_is_refused(tmp_path: Path) -> None:
    assert "cannot unpack" in refused(write(tmp_path, tar_of(a_file("a"), a_file("a/b"))))


def test_a_name_too_long_for_a_file_system_is_refused(tmp_path: Path) -> None:
    assert "too long" in refused(write(tmp_path, tar_of(a_file("x" * 300))))


def test_an_archive_that_is_missing_is_named(tmp_path: Path) -> None:
    assert "none.tar.gz does not exist" in refused(tmp_path / "none.tar.gz")


def test_an_existing_folder_is_not_written_over(tmp_path: Path) -> None:
    archive = write(tmp_path, tar_of(a_file("graph.pb")))
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="out already exists"):
        unpack(archive, tmp_path / "out")


WHOLE = tar_of(a_file("model/graph.pb", bytes(range(256)) * 8), a_file("model/pipeline.config"))


def zip_of(data: bytes, kind: int = zipfile.ZIP_STORED) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", kind) as file:
        file.writestr("graph.pb", data)
    return raw.getvalue()


def test_a_zip_whose_directory_is_before_the_start_of_the_file_is_refused(tmp_path: Path) -> None:
    whole = zip_of(b"weights")
    end = whole.rindex(b"PK\x05\x06")
    moved = whole[:end] + whole[end : end + 16] + struct.pack("<I", 0xFFFFFFF0) + whole[end + 20 :]
    (tmp_path / "model.tar.gz").write_bytes(moved)
    assert "truncated, corrupt or not a .tar.gz" in refused(tmp_path / "model.tar.gz")


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_stream_in_a_zip_is_refused(tmp_path: Path, kind: int) -> None:
    whole = zip_of(bytes(range(256)) * 9, kind)
    archive = write(tmp_path, whole[:50] + bytes(20) + whole[70:], "model.zip")
    with pytest.raises(InputError, match="truncated, corrupt or not a .tar.gz"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("cut", [0, 1, 10, 100, -9, -1])
def test_a_gzip_that_was_cut_is_refused(tmp_path: Path, cut: int) -> None:
    archive = write(tmp_path, WHOLE)
    archive.write_bytes(archive.read_bytes()[:cut])
    assert "truncated, corrupt or not a .tar.gz" in refused(archive)


@pytest.mark.parametrize("cut", [0, 100, 512, 600, 2560, 3072, 3584])
def test_a_tar_that_was_cut_is_refused(tmp_path: Path, cut: int) -> None:
    assert "truncated, corrupt or not a .tar.gz" in refused(write(tmp_path, WHOLE[:cut], "model.tar"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 3583), value=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_stays_inside(tmp_path: Path, place: int, value: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[place] = value
    archive = write(tmp_path, bytes(damaged), "model.tar")
    try:
        found = members(archive)
    except InputError:
        return  # an InputError, and no other error, is the alternative
    assert all(".." not in member.name and not member.name.startswith("/") for member in found)


def test_a_changed_byte_under_gzip_never_changes_what_is_read(tmp_path: Path) -> None:
    archive = write(tmp_path, WHOLE)
    whole, honest = archive.read_bytes(), members(archive)
    refusals = 0
    for place in range(10, len(whole)):
        archive.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            assert members(archive) == honest  # zeros that are copied from elsewhere are the same zeros
        except InputError:
            refusals += 1
    assert refusals > 0.9 * len(whole)


@pytest.mark.parametrize("junk", [b"", b"\x1f\x8b", b"PK\x03\x04", b"<html>", bytes(10_000), b"\x1f\x8b" + bytes(99)])
def test_what_is_no_archive_is_refused(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "model.tar").write_bytes(junk)
    if junk == bytes(10_000):  # a tar may be empty
        assert members(tmp_path / "model.tar") == ()
    else:
        assert "truncated, corrupt or not a .tar.gz" in refused(tmp_path / "model.tar")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_known_by_its_content_however_it_is_compressed(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "model"
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]  # one of the modes that it lists
        info, data = a_file("graph.pb")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    assert is_archive(path)


@pytest.mark.parametrize("data", [b"", bytes(2048), b"\xfd7zXZ\0 no xz", b"\x1f\x8b no gzip", b"a model" * 200])
def test_another_file_is_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(data)
    assert not is_archive(tmp_path / "model.onnx")
