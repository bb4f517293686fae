"""Images in .tar files."""

import gzip
import tarfile

import pytest
from builders.dataset_items import items
from builders.image_files import encoded, write_tar

from detlite.runtime.errors import InputError


@pytest.fixture
def tar(tmp_path):
    members = [(f"{i}.png", encoded(i)) for i in range(3)] + [("notes.txt", b"of the photographer")]
    return write_tar(tmp_path / "images.tar", members)


def test_a_tar_gives_its_images_and_passes_over_the_rest(tar):
    assert [(suffix, content) for suffix, content, _ in items("tar", tar)] == [(".png", encoded(i)) for i in range(3)]


def test_a_gzipped_tar_gives_the_same(tar, tmp_path):
    zipped = tmp_path / "images.tar.gz"
    zipped.write_bytes(gzip.compress(tar.read_bytes()))
    assert items("tar", zipped) == items("tar", tar)


def test_a_tar_that_is_cut_short_is_refused(tar):
    tar.write_bytes(tar.read_bytes()[:1200])
    with pytest.raises(InputError, match="images.tar is truncated, damaged or no .tar"):
        items("tar", tar)


def test_a_tar_bomb_is_refused(tmp_path):
    bomb = tmp_path / "bomb.tar.gz"
    with gzip.open(bomb, "wb", compresslevel=9) as file:
        info = tarfile.TarInfo("huge.png")
        info.size = 80 << 20
        file.write(info.tobuf())
        for _ in range(80):
            file.write(bytes(1 << 20))
    with pytest.raises(InputError, match="it unpacks to more than"):
        items("tar", bomb)


def test_links_and_devices_in_a_tar_are_passed_over_and_names_that_lead_out_lead_nowhere(tmp_path):
    path = write_tar(tmp_path / "hostile.tar", [("../../out.png", encoded(1))])
    with tarfile.open(path, "a") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo("link.png")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    before = sorted(tmp_path.rglob("*"))
    assert [content for _, content, _ in items("tar", path)] == [encoded(1)]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_tar_without_images_is_refused(tmp_path):
    path = write_tar(tmp_path / "texts.tar", [("a.txt", b"a")])
    with pytest.raises(InputError, match="texts.tar holds no image; give files that end in .jpg"):
        items("tar", path)
