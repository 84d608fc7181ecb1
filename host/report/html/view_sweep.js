// The page of `crossweave sweep`: a figure over one option, a line for every value of another, intervals over what is left.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {colour} = xw;
  const kSymbols = ["circle", "square", "diamond", "triangle", "cross", "star", "wye", "times"];
  const kDashes = [null, "6 4", "2 3", "9 3 2 3"];

  /// Metrics of tasks ("arc_easy.acc") are shares, other figures are numbers.
  const isShare = (metric) => metric.includes(".") && !/perplexity|likelihood|nll|nats/.test(metric);
  const text = (metric, value, digits = 4) =>
    isShare(metric) ? `${(100 * value).toFixed(1)} %` : xw.number(value, digits);
  const interval = (metric, p) =>
    p.low === undefined ? "one value" : `${text(metric, p.low)} to ${text(metric, p.high)}`;
  const percent = (record) => `${Number((100 * record.confidence).toFixed(1))} %`;
  const listed = (words) =>
    words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;

  const duration = (seconds) =>
    seconds < 120
      ? xw.scaled(seconds, "s")
      : seconds < 7200
        ? `${xw.number(seconds / 60)} min`
        : `${xw.number(seconds / 3600)} h`;

  /// How the k-th line looks: no two of the first 32 alike, and neighbours without their colours, too.
  const look = (k) => ({
    stroke: colour(`s${(k % 8) + 1}`),
    symbol: kSymbols[k % kSymbols.length],
    dash: kDashes[Math.floor(k / 8) % kDashes.length],
  });
  const legendOf = (lines) =>
    xw.h(
      "ul",
      {class: "legend"},
      lines.map(({name, stroke, symbol, dash}) => {
        const picture = Plot.plot({
          width: 26,
          height: 12,
          margin: 0,
          axis: null,
          x: {domain: [0, 2]},
          y: {domain: [0, 2]},
          style: {background: "transparent", display: "inline-block", overflow: "visible", marginRight: "6px"},
          marks: [
            Plot.line(
              [
                [0, 1],
                [2, 1],
              ],
              {stroke, strokeWidth: 2, strokeDasharray: dash},
            ),
            Plot.dot([[1, 1]], {symbol, r: 4, fill: stroke}),
          ],
        });
        picture.setAttribute("aria-hidden", "true");
        return xw.h("li", {}, picture, name);
      }),
    );

  /// Where values of the option stand: at their numbers, or one beside the other (times, texts).
  const places = ({option, values, numbers}) => {
    const linear = numbers !== undefined && option !== "time";
    const at = new Map(values.map((value, i) => [value, linear ? numbers[i] : i]));
    return {
      at,
      scale: (width) =>
        linear
          ? {label: `${option} →`, tickSize: 0, ticks: Math.floor(width / 90), nice: true, inset: 14}
          : {
              label: option === "time" ? "time since programming →" : option,
              domain: [-0.35, values.length - 0.65],
              tickSize: 0,
              ticks: values.map((_, i) => i),
              tickFormat: (i) => xw.cut(values[i] ?? "", Math.max(40, (width - 70) / values.length)),
            },
    };
  };

  const curves = (cards, record, {metric, curves}, number) => {
    const {at, scale} = places(record.x);
    const lines = curves
      .map((curve, k) => ({
        ...look(k),
        name: curve.line ?? metric,
        shift: (k - (curves.length - 1) / 2) * Math.min(7, 42 / curves.length),
        points: curve.points.map((p) => ({...p, at: at.get(p.x), line: curve.line})),
      }))
      .filter((line) => line.points.length > 0);
    const rows = lines.flatMap((line) => line.points);
    if (rows.length === 0) return;
    const values = rows.flatMap((p) => [...p.values, p.low ?? p.mean, p.high ?? p.mean]);
    const seen = rows.flatMap((p) => p.values),
      least = Math.min(...seen),
      log = !isShare(metric) && least > 0 && Math.max(...seen) / least > 6,
      low = log ? least : Math.min(...values),
      high = Math.max(...values),
      room = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
    const domain = log ? [low / 1.15, high * 1.15] : [low - room, high + room];
    const title = (p) =>
      [
        `${record.x.option} ${p.x}${p.line === undefined ? "" : `, ${record.lines.option} ${p.line}`}`,
        `${text(metric, p.mean)} (${interval(metric, p)})`,
        p.std === undefined ? "" : `deviation ${text(metric, p.std, 3)} of ${xw.plural(p.values.length, "value")}`,
      ]
        .filter(Boolean)
        .join("\n");
    const over = record.over.length > 0 ? ` over ${listed(record.over)}` : "";
    const several = rows.some((p) => p.values.length > 1);
    const draw = (width) =>
      xw.plot({
        width,
        height: 320,
        marginLeft: 60,
        marginRight: 18,
        marginBottom: 40,
        x: scale(width),
        y: log
          ? {type: "log", domain, axis: null}
          : {
              label: `↑ ${metric}`,
              grid: true,
              tickSize: 0,
              domain,
              ticks: 6,
              tickFormat: (v) => (isShare(metric) ? `${Number((100 * v).toFixed(1))} %` : xw.number(v, 4)),
            },
        marks: [
          ...(log ? xw.logAxis("y", xw.logTicks(...domain, 8), (v) => xw.number(v), `↑ ${metric}, logarithmic`) : []),
          ...lines.flatMap(({points, stroke, symbol, dash, shift}) => [
            Plot.dot(
              points.filter((p) => p.values.length > 1).flatMap((p) => p.values.map((value) => ({at: p.at, value}))),
              {x: "at", y: "value", r: 1.6, fill: stroke, fillOpacity: 0.45, dx: shift},
            ),
            Plot.line(points, {
              x: "at",
              y: "mean",
              stroke,
              strokeWidth: 2,
              strokeDasharray: dash,
              dx: shift,
            }),
            Plot.ruleX(
              points
                .filter((p) => p.low !== undefined)
                .map((p) => ({...p, low: Math.max(p.low, domain[0]), high: Math.min(p.high, domain[1])})),
              {x: "at", y1: "low", y2: "high", stroke, strokeWidth: 1.6, dx: shift, marker: "tick"},
            ),
            Plot.dot(points, {x: "at", y: "mean", r: 4.5, symbol, fill: stroke, stroke: colour("surface"), dx: shift}),
          ]),
          Plot.tip(rows, Plot.pointer({x: "at", y: "mean", title})),
        ],
      });
    xw.figure(cards, {
      id: `curves-${number}`,
      title: metric,
      wide: true,
      note: several
        ? `Means${over}; bars are the ${percent(record)} interval of the mean (Student), small dots single values.`
        : "One value at every place.",
      legend: record.lines ? legendOf(lines) : undefined,
      render: draw,
      table: {
        columns: [
          ...(record.lines ? [{label: record.lines.option, value: (p) => p.line}] : []),
          {label: record.x.option, value: (p) => p.x},
          {label: "values", number: true, value: (p) => String(p.values.length)},
          {label: "mean", number: true, value: (p) => text(metric, p.mean, 5)},
          {label: "deviation", number: true, value: (p) => (p.std === undefined ? "–" : text(metric, p.std))},
          {label: "from", number: true, value: (p) => (p.low === undefined ? "–" : text(metric, p.low, 5))},
          {label: "to", number: true, value: (p) => (p.high === undefined ? "–" : text(metric, p.high, 5))},
        ],
        rows,
      },
    });
  };

  const options = (record) => {
    const cards = xw.section("options", "Options", "What varies, and what all points have.");
    const rows = [
      ...record.varied.map(({option, values}) => ({option, values: values.join(", "), count: values.length})),
      ...Object.entries(record.options).map(([option, value]) => ({option, values: value, count: 1})),
    ];
    const columns = [
      {label: "option", value: (r) => r.option},
      {label: "values", number: true, value: (r) => String(r.count)},
      {label: "which", value: (r) => r.values},
    ];
    xw.figure(cards, {
      id: "options-table",
      wide: true,
      title: "Options of the points",
      content: xw.h("div", {class: "table"}, xw.table(columns, rows)),
    });
  };

  xw.views.sweep = (record) => {
    const lines = record.lines ? `, a line for every ${record.lines.option}` : "";
    xw.head(
      `Study ${xw.base(record.source)}`,
      `${listed(record.metrics.map(({metric}) => metric)) || "Nothing"} over ${record.x.option}${lines}`,
    );
    xw.keyFigures([
      {
        label: "Points",
        value: xw.number(record.shown - record.failed),
        sub: `of ${xw.number(record.points)}${record.where ? ", of which some are shown" : ""}`,
      },
      record.failed > 0 ? {label: "Failed", value: xw.number(record.failed), sub: "tried again by the next call"} : null,
      record.seconds_measured === undefined
        ? null
        : {
            label: "Time measured",
            value: duration(record.seconds_measured),
            sub: `by ${xw.plural(record.workers ?? 1, "worker")}`,
          },
      ...record.varied.map(({option, values}) => ({label: option, value: xw.plural(values.length, "value")})),
    ]);
    for (const {point, message} of record.errors ?? [])
      document
        .getElementById("content")
        .append(
          xw.h(
            "p",
            {class: "notice"},
            `${Object.entries(point)
              .map((entry) => entry.join(" "))
              .join(", ")}: ${message}`,
          ),
        );
    const where = record.where
      ? ` Only points with ${Object.entries(record.where)
          .map((entry) => entry.join(" "))
          .join(", ")}.`
      : "";
    const cards = xw.section("curves", "Curves", `By ${record.x.option}${lines}.${where}`);
    record.metrics.forEach((one, number) => curves(cards, record, one, number));
    options(record);
  };
}
