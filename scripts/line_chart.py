# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""A line chart as SVG text, without any library: points at equal distances, a logarithmic axis of values."""
import html
import math
import textwrap

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 200, 40, 40
TITLE_COLUMNS = 96  # letters of a line of the title
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#8250df", "#9a6700", "#57606a")


def line_chart(title, points, series, unit):
    """`series`: name to a positive value for each of `points`, their names. The axis goes from a power of ten to one."""
    values = [value for line in series.values() for value in line]
    if not points or not values or any(len(line) != len(points) for line in series.values()) or min(values) <= 0:
        raise ValueError("line_chart: every series needs a positive value for each point")
    lowest, highest = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    highest = max(highest, lowest + 1)

    def x(place):
        return LEFT + (WIDTH - LEFT - RIGHT) * (place / (len(points) - 1) if len(points) > 1 else 0.5)

    def y(value):
        return TOP + (HEIGHT - TOP - BOTTOM) * (highest - math.log10(value)) / (highest - lowest)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             *(f'<text x="{LEFT}" y="{14 + 16 * number}">{html.escape(line)}</text>' for number, line in enumerate(textwrap.wrap(title, TITLE_COLUMNS)))]
    for power in range(lowest, highest + 1):
        for factor in range(1, 10 if power < highest else 2):
            height = y(factor * 10.0**power)
            colour = "#8c959f" if factor == 1 else "#eaeef2"
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}" stroke="{colour}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(10.0**power) + 4:.1f}" text-anchor="end">{10**power:g}</text>')
    parts.append(f'<text x="16" y="{HEIGHT / 2:.0f}" transform="rotate(-90 16 {HEIGHT / 2:.0f})" text-anchor="middle">{html.escape(unit)}</text>')
    for place, name in enumerate(points):
        parts.append(f'<text x="{x(place):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{html.escape(name)}</text>')
    for number, (name, line) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        # The first lines are the widest, so that they can be seen under others that cover them.
        width = 2 + 2 * (min(len(series), 4) - 1 - number) if number < min(len(series), 4) else 2
        dashes = ' stroke-dasharray="6 4"' if number >= len(COLOURS) else ""
        path = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in enumerate(line))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>')
        parts += [f'<circle cx="{x(place):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}"/>' for place, value in enumerate(line)]
        height = TOP + 16 + 20 * number
        parts.append(f'<line x1="{WIDTH - RIGHT + 14}" x2="{WIDTH - RIGHT + 38}" y1="{height - 4}" y2="{height - 4}" stroke="{colour}" stroke-width="{width}"{dashes}/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 44}" y="{height}">{html.escape(name)}</text>')
    return "\n".join(parts) + "\n</svg>\n"
