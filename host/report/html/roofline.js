// The roofline of the chip: how fast tiles, digital units and memory let work be, and where runs are below that.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {colour} = xw;

  /// The figure of the record's `roofline`: {tiles: {operations_per_s}, digital_units: {operations_per_s}, memory: {bytes_per_s}, points:
  /// [{name, operations, memory_bytes, time_ns}]}. Roofs that the chip has no constants for are missing.
  xw.roofline = (cards, roofline) => {
    const bandwidth = roofline.memory?.bytes_per_s;
    const points = roofline.points
      .filter((point) => point.operations > 0 && point.memory_bytes > 0 && point.time_ns > 0)
      .map((point) => ({
        ...point,
        intensity: point.operations / point.memory_bytes,
        rate: (point.operations / point.time_ns) * 1e9,
      }));
    if (!bandwidth || points.length === 0) return;
    const roofs = [
      ["tiles", roofline.tiles?.operations_per_s, "s1"],
      ["digital units", roofline.digital_units?.operations_per_s, "s3"],
    ]
      .filter(([, rate]) => rate > 0)
      .map(([name, rate, tint]) => ({name, rate, tint, ridge: rate / bandwidth}));
    const xs = [...points.map((p) => p.intensity), ...roofs.map((r) => r.ridge)],
      ys = [...points.map((p) => p.rate), ...roofs.map((r) => r.rate)];
    const x0 = Math.min(...xs) / 6,
      x1 = Math.max(...xs) * 8,
      y0 = Math.min(...ys, x0 * bandwidth * 4) / 2,
      y1 = Math.max(...ys) * 3;
    const top = roofs.length > 0 ? Math.max(...roofs.map((roof) => roof.rate)) : y1;
    const start = Math.max(x0, y0 / bandwidth),
      middle = Math.sqrt((start * top) / bandwidth);
    const reached = (point) => point.rate / Math.min(point.intensity * bandwidth, top);
    const say = (point) =>
      `${point.name}: ${xw.scaled(point.rate, "OPS")}, ${xw.scaled(point.intensity, "OP/B")}, ${xw.percent(reached(point))} of the roof above it`;
    const best = points.reduce((a, b) => (reached(b) > reached(a) ? b : a));
    const render = (width) =>
      xw.plot({
        width,
        height: Math.min(360, Math.max(260, width * 0.6)),
        marginLeft: 64,
        marginRight: 22,
        marginBottom: 40,
        marginTop: 18,
        x: {type: "log", domain: [x0, x1], axis: null},
        y: {type: "log", domain: [y0, y1], axis: null},
        marks: [
          ...xw.logAxis("x", xw.logTicks(x0, x1, 8), (v) => xw.scaled(v, "").trim(), "operations per byte of memory →"),
          ...xw.logAxis("y", xw.logTicks(y0, y1, 8), (v) => xw.scaled(v, "").trim(), "↑ operations per second"),
          Plot.line(
            [
              [start, start * bandwidth],
              [top / bandwidth, top],
            ],
            {stroke: colour("c-memory"), strokeWidth: 2.2},
          ),
          ...roofs.map((roof) =>
            Plot.line(
              [
                [roof.ridge, roof.rate],
                [x1, roof.rate],
              ],
              {stroke: colour(roof.tint), strokeWidth: 2.2},
            ),
          ),
          ...roofs.map((roof) =>
            Plot.text([[x1, roof.rate]], {
              text: [`${roof.name} ${xw.scaled(roof.rate, "OPS")}`],
              dy: -10,
              textAnchor: "end",
              fill: colour(roof.tint),
            }),
          ),
          Plot.text([[middle, middle * bandwidth]], {
            text: [`memory ${xw.scaled(bandwidth, "B/s")}`],
            dx: -10,
            dy: -4,
            textAnchor: "end",
            fill: colour("c-memory"),
          }),
          Plot.link(points, {
            x1: "intensity",
            x2: "intensity",
            y1: "rate",
            y2: (p) => Math.min(p.intensity * bandwidth, top),
            stroke: colour("faint"),
            strokeDasharray: "2 3",
          }),
          Plot.dot(points, {
            x: "intensity",
            y: "rate",
            r: 5.5,
            fill: colour("ink"),
            stroke: colour("surface"),
            strokeWidth: 1.5,
          }),
          Plot.text(points, {
            x: "intensity",
            y: "rate",
            text: "name",
            dx: 10,
            textAnchor: "start",
            fontWeight: 600,
            fill: colour("ink"),
            stroke: colour("surface"),
            strokeWidth: 3,
          }),
          Plot.tip(
            points,
            Plot.pointer({x: "intensity", y: "rate", title: (p) => say(p).replace(": ", "\n").replaceAll(", ", "\n")}),
          ),
        ],
      });
    xw.figure(cards, {
      id: "roofline",
      title: "Roofline of the chip",
      kind: roofline.kind,
      wide: false,
      render,
      note: `Weights stay in the tiles, so memory traffic is the key-value cache and what is digital. Of the roof above it, ${best.name} reaches ${xw.percent(reached(best))}.`,
      table: {
        columns: [
          {label: "", value: (p) => p.name},
          {label: "operations", number: true, value: (p) => xw.number(p.operations)},
          {label: "memory", number: true, value: (p) => xw.scaled(p.memory_bytes, "B")},
          {label: "time", number: true, value: (p) => xw.time(p.time_ns)},
          {label: "rate", number: true, value: (p) => xw.scaled(p.rate, "OPS")},
          {label: "of the roof", number: true, value: (p) => xw.percent(reached(p))},
        ],
        rows: points,
      },
    });
  };
}
