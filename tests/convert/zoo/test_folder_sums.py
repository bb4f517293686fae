"""What has changed in a folder since its digests were taken."""

from detlite.convert.zoo.folder_sums import changed_since, sums_of


def test_a_link_that_leads_elsewhere_differs(tmp_path):
    folder, sums = tmp_path / "folder", tmp_path / "folder.sums"
    folder.mkdir()
    (folder / "link").symlink_to("a")
    sums.write_bytes(sums_of(folder))
    assert changed_since(sums, folder) == ""
    (folder / "link").unlink()
    (folder / "link").symlink_to("b")
    assert changed_since(sums, folder) == "link differs"
