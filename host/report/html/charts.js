// Charts that several views share, drawn with Observable Plot.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {colour, sum} = xw;

  /// Components of the chip: colour, and the part that charts by layer sum them up to.
  xw.components = {
    cells: ["c-cells", "tiles"],
    "input converters": ["c-dac", "tiles"],
    "output converters": ["c-adc", "tiles"],
    rescaling: ["c-scale", "tiles"],
    "input links": ["c-link", "links"],
    "output links": ["c-link2", "links"],
    hops: ["c-hop", "links"],
    accumulators: ["c-sum", "links"],
    "activation buffer": ["c-hop", "links"],
    "host link": ["c-host", "links"],
    "links between chips": ["c-chip", "links"],
    "digital multiply-adds": ["c-digital", "digital units"],
    "digital exponentials": ["c-digital2", "digital units"],
    "starts of digital operations": ["c-digital3", "digital units"],
    memory: ["c-memory", "memory"],
    static: ["c-static", "static"],
  };
  const kParts = {
    tiles: "c-cells",
    links: "c-link",
    "digital units": "c-digital",
    memory: "c-memory",
    waiting: "c-wait",
    static: "c-static",
    other: "c-other",
  };
  const part = (name) =>
    xw.components[name]?.[1] ??
    (name.startsWith("waiting") ? "waiting" : name.startsWith("static") ? "static" : "other");
  xw.componentColour = (name) => colour(xw.components[name]?.[0] ?? kParts[part(name)]);

  /// Parts with their sums: {"tiles": ns, ...} of {"cells": ns, ...}.
  xw.byPart = (breakdown) => {
    const parts = {};
    for (const [name, value] of Object.entries(breakdown)) parts[part(name)] = (parts[part(name)] ?? 0) + value;
    return parts;
  };
  xw.partLegend = (breakdowns) => {
    const there = new Set(breakdowns.flatMap((breakdown) => Object.keys(xw.byPart(breakdown))));
    return Object.keys(kParts)
      .filter((name) => there.has(name))
      .map((name) => [name, colour(kParts[name])]);
  };
  xw.partColour = (name) => colour(kParts[name]);

  /// Ticks of a logarithmic axis: 1, 2, 5 of every decade if they are at most `most`, else powers of ten, else some of these.
  xw.logTicks = (low, high, most) => {
    const powers = d3.range(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)) + 1),
      within = (ticks) => ticks.filter((tick) => tick >= low && tick <= high);
    const fine = within(powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)))),
      coarse = within(powers.map((power) => Number(`1e${power}`)));
    if (fine.length <= most) return fine;
    return coarse.filter((_, i) => i % Math.ceil(coarse.length / most) === 0);
  };

  /// Marks for a logarithmic axis with a text at every tick; the scale has {type: "log", axis: null}.
  xw.logAxis = (axis, ticks, format, label) =>
    axis === "x"
      ? [Plot.gridX(ticks), Plot.axisX(ticks, {text: format, label, tickSize: 0, anchor: "bottom"})]
      : [Plot.gridY(ticks), Plot.axisY(ticks, {text: format, label, tickSize: 0, anchor: "left"})];

  const kBase = {style: {background: "transparent", fontFamily: "inherit"}};
  xw.plot = (options) => Plot.plot({...options, style: {...kBase.style, ...options.style}});
  /// Width in pixels that the longest of `texts` needs.
  xw.room = (texts, most = 200) => Math.min(most, Math.max(...texts.map((text) => String(text).length), 1) * 6.6 + 12);
  /// As much of a text as `width` pixels have room for.
  const cut = (text, width) => {
    const letters = Math.floor((width - 12) / 6.6 + 0.01);
    return text.length > letters ? `${text.slice(0, Math.max(1, letters - 1))}…` : text;
  };

  xw.cut = cut;

  /// Bars of {name, value, text, colour?}, the largest first; `text` stands behind the bar.
  xw.bars = (rows, {width, unit = "", domain, sorted = true}) => {
    const left = xw.room(
      rows.map((row) => row.name),
      Math.max(110, width * 0.4),
    );
    const most = domain ?? Math.max(...rows.map((row) => row.value), 0);
    const right = xw.room(
      rows.map((row) => row.text),
      150,
    );
    const shown = sorted ? [...rows].sort((a, b) => b.value - a.value) : rows;
    return xw.plot({
      width,
      height: 22 * rows.length + 8,
      marginLeft: left,
      marginRight: right,
      marginTop: 2,
      marginBottom: 6,
      x: {axis: null, domain: [0, most || 1]},
      y: {domain: shown.map((row) => row.name), axis: null, padding: 0.28},
      marks: [
        domain ? Plot.barX(shown, {x1: 0, x2: domain, y: "name", fill: colour("grid"), rx: 2}) : null,
        Plot.barX(shown, {
          x: "value",
          y: "name",
          fill: (row) => row.colour ?? colour("s1"),
          rx: 2,
          title: (row) => `${row.name}: ${row.text}`,
        }),
        Plot.text(shown, {
          x: 0,
          y: "name",
          text: (row) => cut(row.name, left),
          textAnchor: "end",
          dx: -8,
          fill: colour("ink"),
          title: (row) => `${row.name} ${unit}`,
        }),
        Plot.text(shown, {
          x: domain ?? "value",
          y: "name",
          text: "text",
          textAnchor: "start",
          dx: 6,
          fill: colour("soft"),
        }),
      ],
    });
  };

  /// The components of a breakdown: bars with value and share. Returns what xw.figure() takes.
  xw.breakdown = (breakdown, format) => {
    const total = sum(Object.values(breakdown));
    const rows = Object.entries(breakdown)
      .filter(([, value]) => value > 0)
      .map(([name, value]) => ({
        name,
        value,
        share: value / total,
        text: `${format(value)} · ${xw.percent(value / total)}`,
        colour: xw.componentColour(name),
      }));
    const shown = rows.filter((row) => row.share >= 0.0005);
    const rest = sum(rows.filter((row) => row.share < 0.0005).map((row) => row.value));
    if (rest > 0)
      shown.push({
        name: "the rest",
        value: rest,
        share: rest / total,
        text: `${format(rest)} · ${xw.percent(rest / total)}`,
        colour: colour("c-other"),
      });
    return {
      render: (width) => xw.bars(shown, {width}),
      table: {
        columns: [
          {label: "component", value: (r) => r.name},
          {label: "value", number: true, value: (r) => format(r.value)},
          {label: "share", number: true, value: (r) => `${(100 * r.share).toFixed(2)} %`},
        ],
        rows: [...rows].sort((a, b) => b.value - a.value),
      },
    };
  };

  /// Stacked columns: for every entry of `groups` ({name, breakdown}) the parts of its breakdown. `format` makes texts of values.
  xw.stacked = (groups, {format, xLabel, yUnit, scale = 1}) => {
    const order = Object.keys(kParts);
    const rows = groups.flatMap(({name, breakdown}) =>
      Object.entries(xw.byPart(breakdown)).map(([of, value]) => ({name, of, value: value * scale})),
    );
    rows.sort((a, b) => order.indexOf(a.of) - order.indexOf(b.of));
    const totals = groups.map(({name, breakdown}) => ({name, value: scale * sum(Object.values(breakdown)), breakdown}));
    return {
      legend: xw.partLegend(groups.map((group) => group.breakdown)),
      render: (width) => {
        const every = Math.ceil(groups.length / Math.max(4, width / 34));
        const texts = (d) =>
          [
            `${d.name}: ${format(d.value / scale)}`,
            ...Object.entries(xw.byPart(d.breakdown))
              .sort((a, b) => b[1] - a[1])
              .filter(([, value]) => value > 0)
              .map(([of, value]) => `${of} ${format(value)}`),
          ].join("\n");
        return xw.plot({
          width,
          height: 240,
          marginLeft: 52,
          marginBottom: 36,
          x: {
            domain: groups.map((group) => group.name),
            label: xLabel,
            tickFormat: (name, i) =>
              i % every === 0 || (i === groups.length - 1 && i % every > every / 2) ? name : "",
            tickSize: 0,
            padding: 0.18,
          },
          y: {label: yUnit, grid: true, ticks: 5, tickSize: 0, tickFormat: (v) => xw.number(v)},
          color: {domain: order, range: order.map(xw.partColour)},
          marks: [
            Plot.barY(rows, {x: "name", y: "value", fill: "of", order, insetTop: 0.4}),
            Plot.ruleY([0], {stroke: colour("faint")}),
            Plot.tip(totals, Plot.pointerX({x: "name", y: "value", title: texts})),
          ],
        });
      },
      table: {
        columns: [
          {label: xLabel, value: (r) => r.name},
          {label: "sum", number: true, value: (r) => format(r.value / scale)},
          ...order
            .filter((of) => rows.some((row) => row.of === of))
            .map((of) => ({label: of, number: true, value: (r) => format(xw.byPart(r.breakdown)[of] ?? 0)})),
        ],
        rows: totals,
      },
    };
  };

  /// Steps of a logarithmic or linear ramp through the colours --heat-0 ... --heat-5; share 0 to 1.
  xw.heat = (share) => {
    const at = Math.max(0, Math.min(1, share)) * 5,
      lower = Math.min(4, Math.floor(at));
    return `color-mix(in oklab, var(--heat-${lower + 1}) ${(100 * (at - lower)).toFixed(1)}%, var(--heat-${lower}))`;
  };

  /// A matrix of cells {x, y, value}: columns and rows in the order given, `format` for texts; `most` is the value of the strongest colour, with `root`
  /// colours go by the square root.
  xw.heatmap =
    (cells, {columns, rows, xLabel, format, most, root}) =>
    (width) => {
      const left = xw.room(rows, Math.max(90, width * 0.3)),
        every = Math.ceil(columns.length / Math.max(4, (width - left) / 30));
      return xw.plot({
        width,
        height: rows.length * 24 + 52,
        marginLeft: left,
        marginBottom: 36,
        marginTop: 8,
        x: {
          domain: columns,
          label: xLabel,
          tickSize: 0,
          tickFormat: (name, i) => (i % every === 0 ? String(name) : ""),
          padding: 0.06,
        },
        y: {domain: rows, label: null, tickSize: 0, tickFormat: (name) => cut(String(name), left), padding: 0.08},
        marks: [
          Plot.cell(cells, {
            x: "x",
            y: "y",
            fill: (d) => xw.heat(root ? Math.sqrt(d.value / (most || 1)) : d.value / (most || 1)),
            rx: 1.5,
          }),
          Plot.tip(cells, Plot.pointer({x: "x", y: "y", title: (d) => `${d.y}, ${xLabel} ${d.x}\n${format(d.value)}`})),
        ],
      });
    };
  xw.ramp = (from, to) => xw.h("p", {class: "legend"}, from, xw.h("i", {class: "ramp", role: "presentation"}), to);
}
