"""README, docs/ and help texts: what they link to is there, and detlite takes every command line that they show."""

import re
import shlex
from pathlib import Path

import click
import pytest

from detlite.cli import detlite

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def shown_on(page):
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


def shown_in_help(command):
    inner = (
        [command.get_command(click.Context(command), name) for name in command.list_commands(None)]
        if isinstance(command, click.Group)
        else []
    )
    return [*(command.help or "").splitlines(), *(line for one in inner for line in shown_in_help(one))]


SHOWN = [*(line for page in PAGES for line in shown_on(page)), *shown_in_help(detlite)]
LINES = sorted({re.split(r"\s{2,}|\s+#", line.strip())[0] for line in SHOWN if line.strip().startswith("detlite ")})


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_what_a_page_links_to_is_there(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_a_page_has_no_marks_of_an_unfinished_merge(page):
    marks = re.findall(r"^(?:<<<<<<<|=======|>>>>>>>).*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert marks == []


def test_every_page_of_docs_is_linked_from_the_readme():
    readme = PAGES[0].read_text(encoding="utf-8")
    assert [page.name for page in PAGES[2:] if f"(docs/{page.name})" not in readme] == []


def test_the_pages_show_many_command_lines():
    assert len(LINES) > 100


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_that_is_shown_is_taken(line):
    context = click.Context(detlite, info_name="detlite")
    command, arguments = detlite, shlex.split(line)[1:]
    while isinstance(command, click.Group):
        name, found, arguments = command.resolve_command(context, list(arguments))
        assert found is not None
        context, command = click.Context(found, parent=context, info_name=name), found
    try:
        command.make_context(context.info_name, list(arguments), parent=context.parent)
    except click.BadParameter as error:  # the reader's own files are not here
        assert "does not exist" in str(error)
