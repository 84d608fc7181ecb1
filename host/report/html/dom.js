// Elements and texts. Whatever comes from a record becomes text, never markup.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
const xw = {views: {}};
{
  const kSvg = "http://www.w3.org/2000/svg"; // a name, not an address

  const fill = (element, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name === "style") Object.assign(element.style, value);
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
    return element;
  };

  /// h("p", {class: "lead"}, "text", child): an HTML element; functions under "onclick" and the like listen.
  xw.h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
  xw.svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(kSvg, tag), attributes, children);

  const kPrefixes = [
    [1e18, "E"],
    [1e15, "P"],
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
    [1, ""],
    [1e-3, "m"],
    [1e-6, "µ"],
    [1e-9, "n"],
    [1e-12, "p"],
    [1e-15, "f"],
    [1e-18, "a"],
  ];

  /// 1.87 of 1.8734: at most `digits` significant digits, no exponent where it can be avoided.
  xw.number = (value, digits = 3) => {
    if (typeof value !== "number" || !Number.isFinite(value)) return "–";
    if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en-US");
    const size = Math.abs(value);
    if (size >= 1e6 || size < 1e-4) return value.toExponential(digits - 1).replace("e+", "e");
    return Number(value.toPrecision(Math.max(digits, Math.floor(Math.log10(size)) + 1))).toLocaleString("en-US", {
      maximumSignificantDigits: 15,
    });
  };
  /// "1.87 ms" of 0.00187 and "s".
  xw.scaled = (value, unit, digits = 3) => {
    if (typeof value !== "number" || !Number.isFinite(value)) return "–";
    if (value === 0) return `0 ${unit}`;
    const rounded = Number(value.toPrecision(digits));
    const [factor, prefix] = kPrefixes.find(([least]) => Math.abs(rounded) >= least) ?? kPrefixes[kPrefixes.length - 1];
    return `${Number((value / factor).toPrecision(digits))} ${prefix}${unit}`;
  };
  xw.time = (ns) => xw.scaled(ns * 1e-9, "s");
  xw.energy = (pj) => xw.scaled(pj * 1e-12, "J");
  xw.percent = (share) =>
    !Number.isFinite(share)
      ? "–"
      : share !== 0 && Math.abs(share) < 0.0005
        ? "< 0.1 %"
        : `${(100 * share).toFixed(1)} %`;
  xw.plural = (count, one, many = `${one}s`) => `${xw.number(count)} ${count === 1 ? one : many}`;
  xw.sum = (values) => values.reduce((total, value) => total + value, 0);
  xw.mean = (values) => (values.length === 0 ? NaN : xw.sum(values) / values.length);
  /// Colour of the theme.
  xw.colour = (name) => `var(--${name})`;
  /// The last part of a path.
  xw.base = (path) => String(path).split("/").pop();

  /// A table of {label, value(row) -> text, number: right-aligned}.
  xw.table = (columns, rows, rowClass = () => null) =>
    xw.h(
      "table",
      {},
      xw.h(
        "thead",
        {},
        xw.h(
          "tr",
          {},
          columns.map((c) => xw.h("th", {scope: "col", class: c.number ? "number" : null}, c.label)),
        ),
      ),
      xw.h(
        "tbody",
        {},
        rows.map((row) =>
          xw.h(
            "tr",
            {class: rowClass(row)},
            columns.map((c) => xw.h("td", {class: c.number ? "number" : null}, c.value(row))),
          ),
        ),
      ),
    );
}
