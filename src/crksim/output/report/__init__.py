"""The report of a run: one page that opens offline, in Danish and English, made from the run's folder alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import crksim
from crksim.analysis.choosing import Judged
from crksim.output.finished import Run, read_run
from crksim.output.report.beside import Compared, build_beside
from crksim.output.report.page import build_page
from crksim.output.report.wording import Wording
from crksim.output.tables import LANGUAGES

__all__ = ["Compared", "render", "render_beside", "render_run"]


def render(folder: Path, lang: str | None = None) -> str:
    """Return the report of a run as one HTML page that needs nothing else.

    Parameters
    ----------
    folder : Path
        A run folder; nothing but its files is read.
    lang : str, optional
        Language the page opens in; the run's own when not given.  The page holds both.

    Raises
    ------
    FileNotFoundError
        When a file of the run is missing.
    """
    folder = Path(folder)
    run = read_run(folder)
    return render_run(run, folder / "figures", lang or run.lang)


def render_run(run: Run, figures: Path, first: str) -> str:
    """Return the report of a run that has been read, with the drawings in the folder `figures`.

    Parameters
    ----------
    run : Run
        What the run folder holds.
    figures : Path
        Folder with ``<name>.<lang>.svg``.
    first : str
        Language the page opens in.
    """
    from markupsafe import Markup

    pages = []
    for language in _ordered(first):
        svgs = {
            path.name.removesuffix(f".{language}.svg"): Markup(_inline(path, language))
            for path in sorted(figures.glob(f"*.{language}.svg"))
        }
        pages.append(build_page(run, language, svgs))
    return _filled("report.html.j2", pages, first)


def render_beside(runs: Sequence[Compared], first: str, judged: Judged | None = None) -> str:
    """Return the comparison of several runs as one HTML page that needs nothing else, in both languages.

    Parameters
    ----------
    runs : sequence of Compared
        In the order in which they were made.
    first : str
        Language the page opens in.
    judged : Judged, optional
        The runs held against each other, where they can be.
    """
    pages = [build_beside(runs, language, judged) for language in _ordered(first)]
    return _filled("comparison.html.j2", pages, first)


def _ordered(first: str) -> list[str]:
    """Return the languages, that in which a page opens before the other."""
    return sorted(LANGUAGES, key=lambda one: one != first)


def _filled(template: str, pages: Sequence[Mapping[str, Any]], first: str) -> str:
    """Return a template filled with its pages, one in each language."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    both = {language: Wording(language) for language in LANGUAGES}
    told = {"pages": pages, "first": first, "languages": LANGUAGES, "wordings": both, "version": crksim.__version__}
    page = environment.get_template(template).render(style=Markup(_template("style.css")), **told)
    return page.lstrip() + "\n"


def _template(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")


def _inline(path: Path, lang: str) -> str:
    """Return a figure's drawing for use inside a page: no header, no metadata, ids of its own, as wide as the page."""
    text = path.read_text("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\sxmlns(:xlink)?="[^"]*"', "", text)
    prefix = f"{lang}-{path.name.split('.')[0]}-"
    text = re.sub(r'\bid="', f'id="{prefix}', text)
    text = re.sub(r'(xlink:href="|url\()#', rf"\1#{prefix}", text)
    head, rest = text.split(">", 1)
    head = re.sub(r'\s(width|height|version)="[^"]*"', "", head)
    return f'{head} aria-hidden="true" focusable="false">{rest}'
