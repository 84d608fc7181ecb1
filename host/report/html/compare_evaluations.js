// Two evaluations side by side, of `crossweave compare`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {h, colour} = xw;

  xw.compareEvaluations = (record) => {
    xw.head(
      "Two evaluations side by side",
      `A: ${record.first_run} (${xw.base(record.first)}). B: ${record.second_run} (${xw.base(record.second)}).`,
    );
    const rows = record.metrics.map((m) => ({
      ...m,
      name: `${m.task} · ${m.metric}`,
      low: m.confidence_interval[0],
      high: m.confidence_interval[1],
    }));
    const certain = (r) => r.low > 0 || r.high < 0;
    xw.keyFigures(
      rows.slice(0, 5).map((r) => ({
        label: r.name,
        value: `${r.difference > 0 ? "+" : ""}${xw.number(r.difference)}`,
        sub: `A ${xw.number(r.first.mean, 4)}, B ${xw.number(r.second.mean, 4)}`,
      })),
    );
    const cards = xw.section("metrics", "Metrics"),
      reach = (list) => {
        const ends = list.flatMap((r) => [r.low, r.high, r.difference, 0]),
          room = Math.max(0.01, 0.05 * (Math.max(...ends) - Math.min(...ends)));
        return [Math.min(...ends) - room, Math.max(...ends) + room];
      };
    const level = `${Math.round(100 * record.confidence_level)} %`;
    for (const [id, title, list] of [
      ["differences", "Shares: B − A", rows.filter((r) => Math.abs(r.first.mean) <= 1 && Math.abs(r.second.mean) <= 1)],
      [
        "losses",
        "Losses and others: B − A",
        rows.filter((r) => Math.abs(r.first.mean) > 1 || Math.abs(r.second.mean) > 1),
      ],
    ]) {
      if (list.length === 0) continue;
      xw.figure(cards, {
        id,
        title,
        kind: "measured",
        wide: true,
        legend: [
          [`interval without 0 (${level})`, colour("s2")],
          ["interval with 0", colour("s7")],
        ],
        note: `Difference of the means with its ${level} interval: a paired bootstrap over items and chips.`,
        render: (width) => {
          const left = xw.room(
              list.map((r) => r.name),
              width * 0.36,
            ),
            tint = (r) => colour(certain(r) ? "s2" : "s7");
          return xw.plot({
            width,
            height: list.length * 28 + 50,
            marginLeft: left,
            marginRight: 24,
            marginBottom: 38,
            marginTop: 8,
            x: {label: "B − A →", grid: true, tickSize: 0, ticks: Math.floor(width / 110), domain: reach(list)},
            y: {domain: list.map((r) => r.name), label: null, tickSize: 0},
            marks: [
              Plot.ruleX([0], {stroke: colour("soft")}),
              Plot.ruleY(list, {y: "name", x1: "low", x2: "high", stroke: tint, strokeWidth: 2.4}),
              Plot.dot(list, {
                x: "difference",
                y: "name",
                r: 5,
                fill: tint,
                symbol: (r) => (certain(r) ? "circle" : "diamond"),
                title: (r) => `${r.name}: ${xw.number(r.difference)} (${xw.number(r.low)} to ${xw.number(r.high)})`,
              }),
            ],
          });
        },
      });
    }
    xw.figure(cards, {
      id: "metrics-table",
      wide: true,
      title: "All metrics",
      content: h(
        "div",
        {class: "table"},
        xw.table(
          [
            {label: "task", value: (r) => r.task},
            {label: "metric", value: (r) => r.metric},
            {label: "A", number: true, value: (r) => xw.number(r.first.mean, 5)},
            {label: "B", number: true, value: (r) => xw.number(r.second.mean, 5)},
            {label: "B − A", number: true, value: (r) => xw.number(r.difference)},
            {label: level, number: true, value: (r) => `${xw.number(r.low)} to ${xw.number(r.high)}`},
            {label: "better / worse", number: true, value: (r) => `${r.gained} / ${r.lost}`},
            {label: "p (items)", number: true, value: (r) => xw.number(r.items_p)},
            {label: "p (chips)", number: true, value: (r) => (r.chips_p === undefined ? "–" : xw.number(r.chips_p))},
          ],
          rows,
        ),
      ),
    });
  };
}
