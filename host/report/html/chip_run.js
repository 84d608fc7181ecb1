// Figures of a run on the simulated chip: shared by reports and simulations.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {colour} = xw;
  const first = (breakdown) => Object.entries(breakdown).reduce((a, b) => (b[1] > a[1] ? b : a), ["nothing", 0]);
  const total = (breakdown) => xw.sum(Object.values(breakdown));
  const layerNames = (run) => run.layers.map((_, layer) => (layer === run.layers.length - 1 ? "out" : String(layer)));
  const leader = (breakdown) => {
    const [name, value] = first(breakdown);
    return `${xw.percent(value / total(breakdown))} is ${name}`;
  };

  /// Critical path and energy by component. `name`: "a decoded token".
  xw.runBreakdowns = (cards, run, id, name) => {
    xw.figure(cards, {
      id: `${id}-time`,
      title: `Critical path of ${name}`,
      kind: run.kind,
      ...xw.breakdown(run.critical_path_ns, xw.time),
      note: `${xw.time(total(run.critical_path_ns))} in all; ${leader(run.critical_path_ns)}.`,
    });
    xw.figure(cards, {
      id: `${id}-energy`,
      title: `Energy of ${name}`,
      kind: run.kind,
      ...xw.breakdown(run.energy_pj, xw.energy),
      note: `${xw.energy(total(run.energy_pj))} in all; ${leader(run.energy_pj)}.`,
    });
  };

  /// Time and energy by layer.
  xw.runLayers = (cards, run, id, name) => {
    if (!run.layers || run.layers.length < 2) return;
    const names = layerNames(run);
    const largest = (key) => {
      const sums = run.layers.map((layer) => total(layer[key]));
      return sums.indexOf(Math.max(...sums));
    };
    const what = (i) => (i === run.layers.length - 1 ? "the work outside of layers" : `layer ${i}`);
    for (const [key, of, format, unit, scale] of [
      ["critical_path_ns", "Time", xw.time, "↑ µs", 1e-3],
      ["energy_pj", "Energy", xw.energy, "↑ µJ", 1e-6],
    ]) {
      const {legend, render, table} = xw.stacked(
        names.map((n, i) => ({name: n, breakdown: run.layers[i][key]})),
        {format, xLabel: "layer", yUnit: unit, scale},
      );
      xw.figure(cards, {
        id: `${id}-layers-${key === "energy_pj" ? "energy" : "time"}`,
        title: `${of} by layer, ${name}`,
        kind: run.kind,
        legend,
        render,
        table,
        note: `The most is in ${what(largest(key))}, ${format(total(run.layers[largest(key)][key]))}; “out” is what is outside of layers${key === "energy_pj" ? ". Without static power" : ""}.`,
      });
    }
  };

  /// How busy the parts of the chip were.
  xw.runBusy = (cards, run, id, name) => {
    const u = run.utilisation;
    const rows = [
      ["tiles, busiest", u.tiles_largest, "c-cells"],
      ["tiles, mean", u.tiles_mean, "c-adc"],
      ["input links, busiest", u.input_links_largest, "c-link"],
      ["output links, busiest", u.output_links_largest, "c-link2"],
      ["accumulators", u.accumulators, "c-sum"],
      ["activation buffer", u.buffer, "c-hop"],
      ["digital units", u.digital_units, "c-digital"],
      ["memory", u.memory, "c-memory"],
      ["links between chips, busiest", u.chip_links_largest, "c-chip"],
    ]
      .filter(([, value]) => typeof value === "number")
      .map(([label, value, tint]) => ({name: label, value, text: xw.percent(value), colour: colour(tint)}));
    const most = rows.reduce((a, b) => (b.value > a.value ? b : a));
    xw.figure(cards, {
      id: `${id}-busy`,
      title: `How busy the chip is, ${name}`,
      kind: run.kind,
      note: `Share of the time in which a part works: the most is ${most.name} with ${most.text}.`,
      render: (width) => xw.bars(rows, {width, domain: 1, sorted: false}),
      table: {
        columns: [
          {label: "part", value: (r) => r.name},
          {label: "busy", number: true, value: (r) => r.text},
        ],
        rows,
      },
    });
  };

  xw.runEnergyTotal = (run) => total(run.energy_pj);
}
