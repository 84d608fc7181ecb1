// The page of `crossweave sensitivity`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {colour} = xw;
  const kNames = {kind: "By kind of layer", layer: "By layer", call: "By call"};
  const milli = (loss) => `${(1000 * loss.mean).toFixed(2)} ± ${(1000 * loss.standard_error).toFixed(2)}`;

  /// Losses of the groups of one kind: what ranges and what noise take, and what would be regained.
  const groups = (cards, by, list) => {
    const ordered = by === "layer" ? list : [...list].sort((a, b) => b.alone.mean - a.alone.mean),
      names = ordered.map((group) => group.name);
    const most = ordered.reduce((a, b) => (b.alone.mean > a.alone.mean ? b : a)),
      regained = ordered.filter((group) => group.regained);
    const bars = ordered.flatMap((group) =>
      [
        ["ranges", group.ranges],
        ["noise", group.noise],
      ].map(([of, loss]) => ({name: group.name, of, value: 1000 * loss.mean})),
    );
    xw.figure(cards, {
      id: `sensitivity-${by}`,
      wide: ordered.length > 12,
      title: kNames[by] ?? by,
      kind: "measured",
      legend: [
        ["ranges of converters", colour("s6")],
        ["noise", colour("s2")],
        ["alone, ± standard error", colour("ink")],
        ...(regained.length > 0 ? [["regained if taken off the chip", colour("s3")]] : []),
      ],
      note: `With only that part on the chip; the most is lost by ${most.name}: ${milli(most.alone)} thousandths of a nat per token.`,
      render: (width) => {
        const left = xw.room(names, width * 0.36);
        return xw.plot({
          width,
          height: ordered.length * (ordered.length > 40 ? 17 : 24) + 56,
          marginLeft: left,
          marginRight: 18,
          marginBottom: 38,
          marginTop: 8,
          x: {label: "1000 × nats per token →", grid: true, tickSize: 0, ticks: Math.floor(width / 90)},
          y: {domain: names, label: null, tickSize: 0, padding: 0.3},
          color: {domain: ["ranges", "noise"], range: [colour("s6"), colour("s2")]},
          marks: [
            Plot.barX(bars, {x: "value", y: "name", fill: "of", rx: 1.5, insetLeft: 0.3}),
            Plot.ruleX([0], {stroke: colour("faint")}),
            Plot.ruleY(ordered, {
              y: "name",
              x1: (g) => 1000 * (g.alone.mean - g.alone.standard_error),
              x2: (g) => 1000 * (g.alone.mean + g.alone.standard_error),
              stroke: colour("ink"),
              strokeWidth: 1.3,
            }),
            Plot.dot(ordered, {x: (g) => 1000 * g.alone.mean, y: "name", r: 3, fill: colour("ink")}),
            Plot.dot(regained, {
              x: (g) => 1000 * g.regained.mean,
              y: "name",
              symbol: "diamond",
              r: 4.2,
              stroke: colour("s3"),
              strokeWidth: 1.8,
            }),
            Plot.tip(
              ordered,
              Plot.pointerY({
                x: (g) => 1000 * g.alone.mean,
                y: "name",
                title: (g) =>
                  `${g.name}\nalone ${milli(g.alone)}\nranges ${milli(g.ranges)}, noise ${milli(g.noise)}${g.regained ? `\nregained ${milli(g.regained)}` : ""}`,
              }),
            ),
          ],
        });
      },
      table: {
        columns: [
          {label: "part", value: (g) => g.name},
          {label: "tiles", number: true, value: (g) => xw.number(g.tiles)},
          {label: "alone", number: true, value: (g) => milli(g.alone)},
          {label: "ranges", number: true, value: (g) => milli(g.ranges)},
          {label: "noise", number: true, value: (g) => milli(g.noise)},
          ...(regained.length > 0
            ? [{label: "regained", number: true, value: (g) => (g.regained ? milli(g.regained) : "–")}]
            : []),
        ],
        rows: ordered,
      },
    });
  };

  const ages = (record) => {
    const {times} = record.sensitivity,
      cards = xw.section("ages", "Over time", "Loss of every part alone, in thousandths of a nat per token.");
    for (const by of [...new Set(times[0].groups.map((group) => group.by))]) {
      const cells = times.flatMap((time) =>
        time.groups
          .filter((group) => group.by === by)
          .map((group) => ({
            x: time.time,
            y: group.name,
            value: Math.max(0, 1000 * group.alone.mean),
            alone: group.alone,
          })),
      );
      const most = Math.max(...cells.map((cell) => cell.value));
      xw.figure(cards, {
        id: `ages-${by}`,
        title: kNames[by] ?? by,
        kind: "measured",
        note: `The strongest colour is ${xw.number(most)}; colours go by the square root.`,
        render: xw.heatmap(cells, {
          columns: times.map((time) => time.time),
          rows: [...new Set(cells.map((cell) => cell.y))],
          xLabel: "time since programming",
          format: (v) => `${v.toFixed(2)} / 1000 nats`,
          most,
          root: true,
        }),
        table: {
          columns: [
            {label: "time", value: (c) => c.x},
            {label: "part", value: (c) => c.y},
            {label: "1000 × nats", number: true, value: (c) => milli(c.alone)},
          ],
          rows: cells,
        },
      });
    }
  };

  xw.views.sensitivity = (record) => {
    const result = record.sensitivity;
    xw.head(
      `What parts of ${xw.base(record.model)} lose`,
      `Loss on the same ${xw.number(result?.tokens)} tokens, against fp32 with the same weights.`,
    );
    if (!result) {
      document
        .getElementById("content")
        .append(
          xw.h(
            "p",
            {class: "notice"},
            "The measurement was interrupted before there was a result; the same command goes on from there.",
          ),
        );
      return;
    }
    const kinds = result.groups.filter((group) => group.by === "kind"),
      worst = kinds.length > 0 ? kinds.reduce((a, b) => (b.alone.mean > a.alone.mean ? b : a)) : null;
    xw.keyFigures([
      {
        label: "Whole chip loses",
        value: `${(1000 * result.all.mean).toFixed(1)} mnat`,
        sub: `± ${(1000 * result.all.standard_error).toFixed(1)}, thousandths of a nat per token`,
      },
      {label: "of it ranges", value: `${(1000 * result.ranges.mean).toFixed(1)} mnat`, sub: "cells without noise"},
      {label: "Without the chip", value: `${xw.number(result.reference_nll_nats, 4)} nats`, sub: "per token"},
      worst
        ? {label: "Most sensitive kind", value: worst.name, sub: `${(1000 * worst.alone.mean).toFixed(1)} mnat alone`}
        : null,
      {label: "Chips", value: xw.number(result.chips)},
    ]);
    const cards = xw.section("parts", "Parts");
    for (const by of ["kind", "layer", "call"]) {
      const list = result.groups.filter((group) => group.by === by);
      if (list.length > 0) groups(cards, by, list);
    }
    if (result.times && result.times.length > 1) ages(record);
  };
}
