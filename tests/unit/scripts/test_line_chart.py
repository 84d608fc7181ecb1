# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Line charts: well-formed, points where a logarithmic axis has them, impossible ones refused."""
import pathlib
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))

from line_chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, line_chart

SVG = "{http://www.w3.org/2000/svg}"


class LineChart(unittest.TestCase):
    def test_points_are_on_a_logarithmic_axis(self):
        root = xml.etree.ElementTree.fromstring(line_chart("a < b", ["0 s", "1 h", "1 d"], {"x & y": [10, 100, 1000], "flat": [10, 10, 10]}, "perplexity"))
        first, second = (line.get("points").split() for line in root.iter(SVG + "polyline"))
        places = [tuple(map(float, point.split(","))) for point in first]
        self.assertEqual(places, [(LEFT, HEIGHT - BOTTOM), (LEFT + (WIDTH - LEFT - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2), (WIDTH - RIGHT, TOP)])
        self.assertEqual({point.split(",")[1] for point in second}, {f"{HEIGHT - BOTTOM:.1f}"})
        texts = [text.text for text in root.iter(SVG + "text")]
        for text in ("a < b", "x & y", "flat", "perplexity", "0 s", "1 h", "1 d", "10", "100", "1000"):
            self.assertIn(text, texts)

    def test_a_single_value_has_an_axis(self):
        root = xml.etree.ElementTree.fromstring(line_chart("t", ["now"], {"one": [10]}, "u"))
        self.assertEqual(len(list(root.iter(SVG + "circle"))), 1)

    def test_what_cannot_be_drawn_is_refused(self):
        for points, series in (([], {"a": []}), (["0"], {}), (["0", "1"], {"a": [1]}), (["0"], {"a": [0]}), (["0"], {"a": [-1]})):
            with self.assertRaises(ValueError):
                line_chart("t", points, series, "u")


if __name__ == "__main__":
    unittest.main()
