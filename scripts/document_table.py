# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of documents that scripts measure: each stands between two markers."""

import pathlib
import sys


def write_whole(path, text):
    """A file that is interrupted is the old one or the new one."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    temporary.replace(path)


def write_table(document, marker, lines):
    """Replaces what is between the markers; the rest of the file stays."""
    begin, end = f"<!-- {marker}:begin -->", f"<!-- {marker}:end -->"
    text = document.read_text()
    if text.count(begin) != 1 or text.count(end) != 1:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {document}: expected the markers {begin} and {end} once each")
    head, rest = text.split(begin)
    write_whole(document, head + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1])
