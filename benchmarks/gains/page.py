"""The report as one HTML file: tables, and a chart of every sample. No script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from benchmarks.gains.wording import amount, gained, number, place, spread
from benchmarks.load import show

Entry = Mapping[str, Any]
WIDE, EDGE = 300.0, 6.0
STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 0 0 2rem; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid #8884; text-align: left; vertical-align: top; }
td.figure { white-space: nowrap; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: 1rem; }
figure { margin: 0; padding: .8rem; border: 1px solid #8884; border-radius: .6rem; }
figcaption { font-weight: 600; }
small { opacity: .75; }
svg { width: 100%; height: auto; }
text { font-size: 10px; fill: currentColor; }
.off { fill: #c2410c; stroke: #c2410c; }
.on { fill: #15803d; stroke: #15803d; }
circle { fill-opacity: .45; stroke: none; }
"""


def page(shown: Mapping[str, Any]) -> str:
    """The whole file; `shown` is the JSON of a run."""
    done = [one for one in shown["scenarios"] if "skipped" not in one]
    left = [one for one in shown["scenarios"] if "skipped" in one]
    parts = [
        f"<h1>What each optimisation gives</h1><p>{escape(about(shown))}</p>",
        *section("Baseline: each one off", ("operation", "off", "median", "p95", "spread"), map(before, done)),
        *section(
            "Optimised: each one on",
            ("operation", "on", "median", "p95", "spread", "gain", "the guide says"),
            map(after, done),
        ),
        *people(shown.get("load") or []),
        '<h2>Every sample</h2><div class="charts">',
        *(chart(one) for one in done),
        "</div>",
        *(["<h2>Not measured</h2><ul>", *map(reason, left), "</ul>"] if left else []),
    ]
    head = f'<meta charset="utf-8"><title>Nitro: what each optimisation gives</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def about(shown: Mapping[str, Any]) -> str:
    """When, where and how long."""
    ended = " Ctrl-C ended it early." if shown.get("interrupted") else ""
    version = shown["nitro"]["version"]
    return f"Nitro {version}, {shown['made_at']}, in {shown['seconds']:.0f} s on {place(shown['machine'])}.{ended}"


def section(title: str, head: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterable[str]:
    """A table under a title."""
    yield f'<h2>{escape(title)}</h2><div class="scroll"><table><thead><tr>'
    yield "".join(f'<th scope="col">{escape(name)}</th>' for name in head) + "</tr></thead><tbody>"
    for line in lines:
        cells = (f"<td{' class=figure' if 2 <= n <= 4 else ''}>{escape(cell)}</td>" for n, cell in enumerate(line))
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def people(load: Sequence[Entry]) -> Iterable[str]:
    """What the simulated people heard."""
    if load:
        yield from section(show.TITLE, show.HEAD, map(show.cells, load))
        yield f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in show.notes(load))}</ul>"


def before(entry: Entry) -> Sequence[str]:
    side, unit = entry["baseline"], entry["unit"]
    return (entry["title"], side["label"], amount(side["median"], unit), amount(side["p95"], unit), spread(side))


def after(entry: Entry) -> Sequence[str]:
    side, unit = entry["optimised"], entry["unit"]
    figures = (amount(side["median"], unit), amount(side["p95"], unit), spread(side))
    return (entry["title"], side["label"], *figures, gained(entry), entry["guide"] or "no figure")


def reason(entry: Entry) -> str:
    return f"<li><strong>{escape(entry['title'])}</strong>: {escape(entry['skipped'])}</li>"


def chart(entry: Entry) -> str:
    """Both sides on one axis from zero: a dot for every sample, a line for the median."""
    most = max(entry["baseline"]["high"], entry["optimised"]["high"]) or 1.0
    rows = strip(entry["baseline"], "off", 20, most) + strip(entry["optimised"], "on", 56, most)
    axis = f'<text x="{EDGE}" y="82">0</text><text x="{WIDE - EDGE}" y="82" text-anchor="end">{number(most)}</text>'
    label = escape(f"{entry['title']}: {entry['unit']}", quote=True)
    drawn = f'<svg viewBox="0 0 {WIDE:.0f} 88" role="img" aria-label="{label}">{rows}{axis}</svg>'
    caption = f"{escape(entry['title'])} <small>{escape(entry['unit'])}, {entry['better']} is better</small>"
    return f"<figure><figcaption>{caption}</figcaption>{drawn}<p>{escape(gained(entry))}</p></figure>"


def strip(side: Mapping[str, Any], colour: str, y: int, most: float) -> str:
    """One side: its name, its samples, its median."""
    room = WIDE - 2 * EDGE
    dots = "".join(
        f'<circle class="{colour}" cx="{EDGE + value / most * room:.1f}" cy="{y}" r="3.5"/>'
        for value in side["samples"]
    )
    middle = EDGE + side["median"] / most * room
    name = f'<text x="{EDGE}" y="{y - 9}">{escape(side["label"])}</text>'
    return f'{name}<path class="{colour}" stroke-width="2" d="M{middle:.1f} {y - 7}v14"/>{dots}'
