// Metrics of evaluations: their texts, and charts over chips and over time.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {colour} = xw;
  const isShare = (metric) => !/perplexity|likelihood/.test(metric);
  const text = (metric, value) => (isShare(metric) ? `${(100 * value).toFixed(1)} %` : xw.number(value, 4));
  const spread = (metric, {mean, std, values}) =>
    values.length > 1
      ? `${text(metric, mean)} ± ${isShare(metric) ? (100 * std).toFixed(1) + " %" : xw.number(std, 2)}`
      : text(metric, mean);
  const deviation = ({values}) => (values.length > 1 ? `mean ± deviation over ${values.length} chips` : "one run");

  const agePoints = (record, pick) =>
    record.times
      .map((time) => ({seconds: time.seconds, time: time.time, ...pick(time)}))
      .filter((point) => point.mean !== undefined);

  /// A figure over time: mean, deviation over chips as a band, chips as thin lines.
  const overTime = (cards, record, id, title, metric, pick) => {
    const points = agePoints(record, pick);
    if (points.length < 2) return;
    const chips = record.runs.map((run) => run.chip_seed);
    const lines = points.flatMap((point, i) =>
      point.values.map((value, chip) => ({i, chip: chips[chip], value, time: point.time})),
    );
    const least = Math.min(...lines.map((l) => l.value)),
      high = Math.max(...lines.map((l) => l.value), ...points.map((p) => p.mean + p.std));
    const rows = points.map((point, i) => ({...point, i})),
      log = !isShare(metric) && least > 0 && high / least > 6,
      low = log ? least : Math.min(least, ...points.map((p) => p.mean - p.std)),
      room = (high - low) * 0.08;
    xw.figure(cards, {
      id,
      title,
      kind: "measured",
      legend:
        chips.length > 1
          ? [
              ["mean", colour("s1")],
              ["mean ± deviation", colour("heat-2")],
              ["a chip", colour("s7")],
            ]
          : undefined,
      note: `From ${spread(metric, points[0])} at ${points[0].time} to ${spread(metric, points[points.length - 1])} at ${points[points.length - 1].time} since programming.`,
      render: (width) =>
        xw.plot({
          width,
          height: 280,
          marginLeft: 56,
          marginRight: 18,
          marginBottom: 40,
          x: {
            domain: [-0.2, points.length - 0.8],
            label: "time since programming →",
            ticks: rows.map((r) => r.i),
            tickFormat: (i) => points[i]?.time ?? "",
            tickSize: 0,
          },
          y: log
            ? {type: "log", domain: [low / 1.15, high * 1.15], axis: null}
            : {
                label: `↑ ${metric}`,
                grid: true,
                tickSize: 0,
                domain: [low - room, high + room],
                ticks: 5,
                tickFormat: (v) => (isShare(metric) ? `${(100 * v).toFixed(0)} %` : xw.number(v)),
              },
          marks: [
            ...(log
              ? xw.logAxis(
                  "y",
                  xw.logTicks(low / 1.15, high * 1.15, 8),
                  (v) => xw.number(v),
                  `↑ ${metric}, logarithmic`,
                )
              : []),
            chips.length > 1
              ? Plot.areaY(rows, {
                  x: "i",
                  y1: (p) => Math.max(p.mean - p.std, low),
                  y2: (p) => p.mean + p.std,
                  fill: colour("heat-2"),
                  fillOpacity: 0.35,
                })
              : null,
            chips.length > 1
              ? Plot.line(lines, {
                  x: "i",
                  y: "value",
                  z: "chip",
                  stroke: colour("s7"),
                  strokeWidth: 0.8,
                  strokeOpacity: 0.7,
                })
              : null,
            Plot.line(rows, {x: "i", y: "mean", stroke: colour("s1"), strokeWidth: 2.4}),
            Plot.dot(rows, {x: "i", y: "mean", r: 4, fill: colour("s1"), stroke: colour("surface")}),
            Plot.tip(rows, Plot.pointerX({x: "i", y: "mean", title: (p) => `${p.time}\n${spread(metric, p)}`})),
          ],
        }),
      table: {
        columns: [
          {label: "time", value: (p) => p.time},
          {label: "mean", number: true, value: (p) => text(metric, p.mean)},
          {label: "deviation", number: true, value: (p) => (p.values.length > 1 ? text(metric, p.std) : "–")},
          ...chips.map((seed, chip) => ({
            label: `chip ${seed}`,
            number: true,
            value: (p) => text(metric, p.values[chip]),
          })),
        ],
        rows,
      },
    });
  };

  /// One dot per chip with its standard error, and the mean over chips as a line.
  const overChips = (cards, {id, title, metric, statistics, runs, value, error, wide}) => {
    const rows = runs
      .map((run) => ({chip: String(run.chip_seed), value: value(run), error: error(run) ?? 0}))
      .filter((row) => typeof row.value === "number");
    if (rows.length === 0) return;
    xw.figure(cards, {
      id,
      title,
      kind: "measured",
      wide,
      note: `${spread(metric, statistics)} (${deviation(statistics)}); whiskers are the standard error over items.`,
      render: (width) =>
        xw.plot({
          width,
          height: 60 + 24 * rows.length,
          marginLeft: 64,
          marginRight: 90,
          marginBottom: 36,
          marginTop: 14,
          x: {
            label: `${metric} →`,
            grid: true,
            tickSize: 0,
            ticks: Math.floor(width / 110),
            nice: true,
            tickFormat: (v) => (isShare(metric) ? `${Number((100 * v).toFixed(1))} %` : xw.number(v)),
          },
          y: {domain: rows.map((r) => r.chip), label: null, tickFormat: (seed) => `chip ${seed}`, tickSize: 0},
          marks: [
            statistics.values.length > 1
              ? Plot.rectX([statistics], {
                  x1: (s) => s.mean - s.std,
                  x2: (s) => s.mean + s.std,
                  fill: colour("heat-1"),
                  fillOpacity: 0.6,
                })
              : null,
            statistics.values.length > 1
              ? Plot.ruleX([statistics.mean], {stroke: colour("s1"), strokeWidth: 1.6})
              : null,
            Plot.ruleY(rows, {
              y: "chip",
              x1: (r) => r.value - r.error,
              x2: (r) => r.value + r.error,
              stroke: colour("soft"),
              strokeWidth: 1.4,
            }),
            Plot.dot(rows, {x: "value", y: "chip", r: 5, fill: colour("s2"), stroke: colour("surface")}),
            Plot.text(rows, {
              x: (r) => r.value + r.error,
              y: "chip",
              text: (r) => text(metric, r.value),
              textAnchor: "start",
              dx: 9,
              fill: colour("soft"),
            }),
          ],
        }),
      table: {
        columns: [
          {label: "chip seed", value: (r) => r.chip},
          {label: metric, number: true, value: (r) => text(metric, r.value)},
          {label: "standard error", number: true, value: (r) => text(metric, r.error)},
        ],
        rows,
      },
    });
  };

  xw.metrics = {text, spread, deviation, overTime, overChips};
}
