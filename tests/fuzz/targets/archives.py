"""Archives of models and apps."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from fuzz.mutations import blind, gzipped, tarred, text, zipped
from fuzz.target import Target

from detlite.convert.files.archive import members, unpack

CONTENT = {"m/frozen_inference_graph.pb": bytes(range(256)) * 4, "m/pipeline.config": b"model {}\n", "m/a/b.txt": b"b"}


def tar_bytes() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in CONTENT.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("m/link.pb")
        link.type, link.linkname = tarfile.SYMTYPE, "frozen_inference_graph.pb"
        tar.addfile(link)
    return made.getvalue()


def zip_bytes() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in CONTENT.items():
            out.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


def gzip_bytes() -> bytes:
    import gzip

    return gzip.compress(tar_bytes(), mtime=0)


def put(name: str, content: Callable[[], bytes]) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content())


def opened(name: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        members(folder / name)
        made = unpack(folder / name, folder / "out")
        try:
            outside = [path for path in made.rglob("*") if path.is_symlink()]
            assert not outside, "a link was made"
        finally:
            import shutil

            shutil.rmtree(made)
        return made

    return read


ZIP = (blind, zipped(blind), zipped(text))
TARGETS = (
    Target("archive .tar", put("a.tar", tar_bytes), opened("a.tar"), {"*": (blind, tarred(text), tarred(blind))}),
    Target(
        "archive .tar.gz",
        put("a.tar.gz", gzip_bytes),
        opened("a.tar.gz"),
        {"*": (blind, gzipped(tarred(text)), gzipped(tarred(blind)), gzipped(blind))},
    ),
    Target("archive .zip", put("a.zip", zip_bytes), opened("a.zip"), {"*": ZIP}),
    Target("archive .zip, called .tar.gz", put("a.tar.gz", zip_bytes), opened("a.tar.gz"), {"*": ZIP}),
)
