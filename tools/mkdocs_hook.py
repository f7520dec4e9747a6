"""MkDocs' hook: makes of the repository's Markdown texts, which people read on its own pages too, the pages of a site.

README.md, CONTRIBUTING.md and CHANGELOG.md become pages. A link out of docs/ leads to a copy of the file in the site,
and one to a folder is left to its text. Each generated table is followed by its file.
"""

import posixpath
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
SOURCES = {page: source for source, page in PAGES.items()}
SCRIPTS = Path(sys.prefix, "scripts")  # tools/scripts.py brings them
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
TABLE_END = re.compile(r"<!-- end of (\S+\.csv) -->")
FRAME_STYLE = re.compile(r"<style scoped>.*?</style>|(?<=<table) border=\"1\" class=\"dataframe\"", re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name in [*config.extra_javascript, *config.extra["polyfills"]]:
        if not (SCRIPTS / name).is_file():
            raise PluginError(f"{SCRIPTS / name}: missing; bring it with: {sys.executable} tools/scripts.py")
        files.append(File.generated(config, name, abs_src_path=str(SCRIPTS / name)))
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    here = page.file.src_uri
    if not re.search(r"^##|^:::", markdown, re.MULTILINE):
        page.meta["hide"] = ["toc"]  # which leaves tables the room
    source = SOURCES.get(here, f"docs/{here}")  # in the repository

    def linked(match: re.Match) -> str:
        image, text, target, anchor = match.groups(default="")
        place = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if re.match(r"[a-z]+:", target):
            return match[0]
        if (ROOT / place).is_dir():
            return text
        return f"{image}[{text}]({relative(uri_of(place, config, files), here)}{anchor})"

    with_origin = TABLE_END.sub(lambda match: origin(match[1], source), FRAME_STYLE.sub("", markdown))
    return LINK.sub(linked, with_origin)


def origin(table: str, source: str) -> str:
    """The line below a generated table that says where it comes from."""
    return f"\n*From [{table}]({relative(table, source)}).*" if (ROOT / table).is_file() else ""


def uri_of(place: str, config: MkDocsConfig, files: Files) -> str:
    """Where the site has a file of the repository; one outside docs/ is copied. MkDocs warns of what there is not."""
    if place in PAGES:
        return PAGES[place]
    if place.startswith("docs/"):
        return place.removeprefix("docs/")
    uri = f"files/{place}"
    if (ROOT / place).is_file() and files.get_file_from_path(uri) is None:
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / place)))
    return uri


def relative(uri: str, page: str) -> str:
    return posixpath.relpath(uri, posixpath.dirname(page) or ".")
