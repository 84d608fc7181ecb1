// The page of `crossweave compare`: two reports, simulations or evaluations side by side.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {h, colour} = xw;
  const kPair = [
    ["s1", "A"],
    ["s5", "B"],
  ];
  const numeric = (row) => typeof row.first === "number" && typeof row.second === "number";

  /// Numbers that are worth a row of their own, as paths of reports and simulations: [end of the path, text, format, whether less is better].
  const kHeadlines = [
    ["decode.total_ns", "token: time", xw.time, true],
    ["decode.energy_pj_per_token", "token: energy", xw.energy, true],
    ["decode.tops_per_watt", "token: TOPS/W", xw.number, false],
    ["prefill.total_ns", "prompt: time", xw.time, true],
    ["prefill.energy_pj_per_prompt_token", "prompt: energy per token", xw.energy, true],
    ["runs[0].total_ns", "run: time", xw.time, true],
    ["runs[0].first_token_ns", "run: first token", xw.time, true],
    ["runs[0].next_token_ns", "run: between tokens", xw.time, true],
    ["runs[0].energy_pj_per_token", "run: energy per token", xw.energy, true],
    ["chip_estimate.decode.time", "estimate: token time", xw.time, true],
    ["chip_estimate.decode.energy.total", "estimate: token energy", xw.energy, true],
    ["chip_estimate.prefill.time", "estimate: prompt time", xw.time, true],
    ["tiles", "tiles", xw.number, true],
    ["utilisation", "cells in use", xw.percent, false],
    ["decode.area_mm2.tiles", "tile area, mm²", xw.number, true],
  ];

  const headlines = (rows) =>
    kHeadlines.flatMap(([end, name, format, less]) => {
      const row =
        rows.find((one) => one.path === end || (end.includes(".") && one.path.endsWith(`chip_simulation.${end}`))) ??
        rows.find((one) => one.path === end);
      return row && numeric(row) && row.first > 0 && row.second > 0
        ? [
            {
              name,
              ratio: row.second / row.first,
              first: format(row.first),
              second: format(row.second),
              better: row.second < row.first === less && row.first !== row.second,
              same: row.first === row.second,
            },
          ]
        : [];
    });

  /// Round ratios up to `reach`, and one by them.
  const ratioTicks = (reach, most) => {
    const steps = [1.02, 1.05, 1.1, 1.2, 1.5, 2, 5, 10, 20, 50, 100, 1000, 10000]
      .filter((step) => step <= reach)
      .slice(-most);
    return [...steps.map((step) => 1 / step), 1, ...steps];
  };

  const ratios = (cards, rows) => {
    const names = rows.map((row) => row.name),
      reach = Math.max(1.12, ...rows.map((row) => Math.max(row.ratio, 1 / row.ratio))) ** 1.12;
    const tint = (row) => colour(row.same ? "faint" : row.better ? "good" : "bad");
    xw.figure(cards, {
      id: "ratios",
      wide: true,
      title: "B by A",
      legend: [
        ["B is better", colour("good")],
        ["B is worse", colour("bad")],
        ["equal", colour("faint")],
      ],
      note: "On the right of the line B is more, on the left less; the scale is logarithmic.",
      render: (width) => {
        const left = xw.room(names, Math.max(130, width * 0.34));
        return xw.plot({
          width,
          height: rows.length * 26 + 46,
          marginLeft: left,
          marginRight: width < 560 ? 20 : 190,
          marginBottom: 36,
          marginTop: 8,
          x: {type: "log", domain: [1 / reach, reach], axis: null},
          y: {domain: names, label: null, tickSize: 0, tickFormat: (name) => xw.cut(name, left)},
          marks: [
            ...xw.logAxis("x", ratioTicks(reach, width < 560 ? 1 : 3), (v) => xw.number(v), "B / A →"),
            Plot.ruleX([1], {stroke: colour("soft")}),
            Plot.ruleY(rows, {y: "name", x1: 1, x2: "ratio", stroke: tint, strokeWidth: 3}),
            Plot.dot(rows, {
              x: "ratio",
              y: "name",
              r: 5.5,
              fill: tint,
              symbol: (r) => (r.same ? "circle" : r.better ? "triangle" : "square"),
              title: (r) => `${r.name}: A ${r.first}, B ${r.second}`,
            }),
            width < 560
              ? null
              : Plot.text(rows, {
                  frameAnchor: "right",
                  y: "name",
                  text: (r) => `${r.first} → ${r.second}`,
                  textAnchor: "start",
                  dx: 14,
                  fill: colour("soft"),
                }),
          ],
        });
      },
      table: {
        columns: [
          {label: "", value: (r) => r.name},
          {label: "A", number: true, value: (r) => r.first},
          {label: "B", number: true, value: (r) => r.second},
          {label: "B / A", number: true, value: (r) => xw.number(r.ratio, 4)},
        ],
        rows,
      },
    });
  };

  /// Bars of A and B by the last word of paths under `prefix`.
  const pairs = (cards, rows, prefix, id, title, format) => {
    const found = rows
      .filter(
        (row) =>
          row.path.startsWith(`${prefix}.`) &&
          !row.path.slice(prefix.length + 1).includes("[") &&
          (typeof row.first === "number" || typeof row.second === "number"),
      )
      .map((row) => ({name: row.path.slice(prefix.length + 1), first: row.first ?? 0, second: row.second ?? 0}))
      .filter((row) => row.name !== "total");
    if (found.length === 0) return;
    const [a, b] = [xw.sum(found.map((row) => row.first)), xw.sum(found.map((row) => row.second))],
      most = Math.max(a, b);
    const shown = found
      .filter((row) => Math.max(row.first, row.second) > most * 0.0005)
      .sort((x, y) => Math.max(y.first, y.second) - Math.max(x.first, x.second));
    const bars = shown.flatMap((row) => [
      {name: row.name, of: "A", value: row.first},
      {name: row.name, of: "B", value: row.second},
    ]);
    xw.figure(cards, {
      id,
      title,
      legend: kPair.map(([tint, name]) => [name, colour(tint)]),
      note: `A ${format(a)}, B ${format(b)} in all.`,
      render: (width) => {
        const left = xw.room(
          shown.map((r) => r.name),
          width * 0.38,
        );
        return xw.plot({
          width,
          height: shown.length * 38 + 10,
          marginLeft: left,
          marginRight: 80,
          marginTop: 4,
          marginBottom: 4,
          x: {axis: null},
          fy: {domain: shown.map((r) => r.name), label: null, axis: null, padding: 0.22},
          y: {axis: null, domain: ["A", "B"], padding: 0.08},
          color: {domain: ["A", "B"], range: kPair.map(([tint]) => colour(tint))},
          marks: [
            Plot.barX(bars, {x: "value", y: "of", fy: "name", fill: "of", rx: 2}),
            Plot.text(bars, {
              x: "value",
              y: "of",
              fy: "name",
              text: (d) => format(d.value),
              textAnchor: "start",
              dx: 6,
              fill: colour("soft"),
              fontSize: 11,
            }),
            Plot.text(shown, {
              fy: "name",
              frameAnchor: "left",
              text: (row) => xw.cut(row.name, left),
              textAnchor: "end",
              dx: -8,
              fill: colour("ink"),
            }),
          ],
        });
      },
      table: {
        columns: [
          {label: "component", value: (r) => r.name},
          {label: "A", number: true, value: (r) => format(r.first)},
          {label: "B", number: true, value: (r) => format(r.second)},
          {label: "B / A", number: true, value: (r) => (r.first > 0 ? xw.number(r.second / r.first) : "–")},
        ],
        rows: found,
      },
    });
  };

  const everything = (cards, rows) => {
    const list = h("div", {class: "table"}),
      count = h("span", {class: "sub"}),
      kMost = 400;
    const fill = (word) => {
      const found = rows.filter((row) => row.path.toLowerCase().includes(word.toLowerCase()));
      count.textContent = ` ${xw.number(found.length)} of ${xw.number(rows.length)}${found.length > kMost ? `, the first ${kMost} shown` : ""}`;
      const value = (it) =>
        typeof it === "number"
          ? xw.number(it, 5)
          : typeof it === "string"
            ? it.length > 48
              ? `${it.slice(0, 46)}…`
              : it
            : "–";
      list.replaceChildren(
        xw.table(
          [
            {label: "what", value: (r) => r.path},
            {label: "A", number: true, value: (r) => value(r.first)},
            {label: "B", number: true, value: (r) => value(r.second)},
            {label: "B / A", number: true, value: (r) => (r.ratio === undefined ? "" : xw.number(r.ratio, 4))},
            {label: "unit, kind", value: (r) => [r.unit, r.kind].filter(Boolean).join(", ")},
          ],
          found.slice(0, kMost),
        ),
      );
    };
    fill("");
    xw.figure(cards, {
      id: "all-values",
      wide: true,
      title: "All numbers",
      content: h(
        "div",
        {},
        h(
          "p",
          {class: "filter"},
          h(
            "label",
            {},
            "Only with ",
            h("input", {type: "search", placeholder: "part of a name", oninput: (event) => fill(event.target.value)}),
          ),
          count,
        ),
        list,
      ),
    });
  };

  const reports = (record) => {
    const main = record.values.filter((row) => !/\[(?!0\])|layers\[|each_/.test(row.path)),
      heads = headlines(main);
    const text = (path) => record.values.find((row) => row.path === path);
    const [model, chip] = [text("model"), text("chip")],
      both = (row) => (!row ? "" : row.first === row.second ? row.first : `${row.first} and ${row.second}`);
    xw.head("Two runs side by side", `${both(model)} on ${both(chip)}. A is ${record.first}, B is ${record.second}.`);
    xw.keyFigures(
      heads.slice(0, 5).map((row) => ({
        label: row.name,
        value: row.second,
        sub: row.same ? "equal" : `A ${row.first}, ${row.ratio > 1 ? "+" : "−"}${xw.percent(Math.abs(row.ratio - 1))}`,
      })),
    );
    const cards = xw.section("both", "Side by side");
    if (heads.length > 0) ratios(cards, heads);
    for (const [prefix, id, title, format] of [
      ["chip_simulation.decode.critical_path_ns", "pair-decode-time", "Critical path of a decoded token", xw.time],
      ["chip_simulation.decode.energy_pj", "pair-decode-energy", "Energy of a decoded token", xw.energy],
      ["chip_simulation.prefill.critical_path_ns", "pair-prefill-time", "Critical path of a prompt", xw.time],
      ["chip_simulation.prefill.energy_pj", "pair-prefill-energy", "Energy of a prompt", xw.energy],
      ["runs[0].critical_path_ns", "pair-run-time", "Critical path", xw.time],
      ["runs[0].energy_pj", "pair-run-energy", "Energy", xw.energy],
    ])
      pairs(cards, record.values, prefix, id, title, format);
    if (!heads.some((row) => row.name.startsWith("token: ")))
      pairs(
        cards,
        record.values,
        "chip_estimate.decode.energy",
        "pair-estimate",
        "Energy of a token, estimate",
        xw.energy,
      );
    everything(xw.section("values", "Values"), record.values);
  };

  xw.views.compare = (record) => (record.metrics ? xw.compareEvaluations : reports)(record);
}
