// The page of `crossweave report`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {h, colour} = xw;
  const total = (breakdown) => xw.sum(Object.values(breakdown));

  const keyFigures = (record) => {
    const {decode, prefill} = record.chip_simulation ?? {},
      estimate = record.chip_estimate;
    const area = decode ? decode.area_mm2.tiles + decode.area_mm2.digital : 0;
    const token = decode ?? null;
    xw.keyFigures([
      token
        ? {
            label: "Generated tokens",
            value: `${xw.number(token.tokens_per_s)} /s`,
            sub: `at context ${xw.number(token.context)}, simulated`,
          }
        : null,
      token
        ? {label: "Time per token", value: xw.time(token.total_ns), sub: `bound by ${token.bottleneck}`}
        : estimate
          ? {label: "Time per token", value: xw.time(estimate.decode.time.value), sub: "modelled, no contention"}
          : null,
      token
        ? {
            label: "Energy per token",
            value: xw.energy(token.energy_pj_per_token),
            sub: `${xw.number(token.tops_per_watt)} TOPS/W`,
          }
        : estimate
          ? {label: "Energy per token", value: xw.energy(estimate.decode.energy.total.value), sub: "modelled"}
          : null,
      prefill
        ? {label: "Prompt", value: `${xw.number(prefill.prompt_tokens_per_s)} /s`, sub: `tokens, of ${prefill.tokens}`}
        : null,
      {label: "Tiles", value: xw.number(record.tiles), sub: `at least ${xw.number(record.tiles_lower_bound)} (proven)`},
      {label: "Cells in use", value: xw.percent(record.utilisation), sub: xw.number(record.cells)},
      area > 0
        ? {label: "Area", value: `${xw.number(area)} mm²`, sub: `tiles ${xw.number(decode.area_mm2.tiles)} mm²`}
        : null,
    ]);
  };

  /// Share of saturated conversions by call, of the measured run; undefined without one.
  const saturations = (record) => {
    const phases = [record.run?.prefill, record.run?.decode].filter((phase) => phase?.calls);
    if (phases.length === 0) return undefined;
    return record.calls.map((_, call) => {
      const conversions = xw.sum(phases.map((phase) => phase.calls[call]?.adc_conversions ?? 0));
      return conversions > 0 ? xw.sum(phases.map((phase) => phase.calls[call].adc_saturations)) / conversions : 0;
    });
  };

  const tiles = (record) => {
    const map = record.tile_map,
      saturation = saturations(record),
      decode = record.chip_simulation?.decode;
    const cards = xw.section("tiles", "Tiles");
    const list = xw.tiles(map, record.calls, decode?.utilisation.each_tile, saturation);
    xw.tileMap(cards, map, list);
    if (saturation && Math.max(...saturation) > 0) saturationChart(cards, record, saturation);
    const use = d3.bin().domain([0, 1]).thresholds(20)(
      list.filter((tile) => tile.blocks.length > 0).map((tile) => Math.min(tile.use, 0.9999)),
    );
    const bins = use.map((bin) => ({from: bin.x0, to: bin.x1, tiles: bin.length}));
    if (bins.filter((bin) => bin.tiles > 0).length > 1)
      xw.figure(cards, {
        id: "tile-use",
        title: "How full the tiles are",
        note: `${xw.plural(xw.sum(bins.filter((b) => b.from >= 0.95).map((b) => b.tiles)), "tile")} of ${xw.number(record.tiles)} are at least 95 % full.`,
        render: (width) =>
          xw.plot({
            width,
            height: 230,
            marginLeft: 44,
            marginBottom: 38,
            x: {
              label: "share of the tile's cells that hold weights →",
              tickFormat: (v) => `${Math.round(100 * v)} %`,
              ticks: 5,
              tickSize: 0,
            },
            y: {label: "↑ tiles", grid: true, ticks: 5, tickSize: 0},
            marks: [
              Plot.rectY(bins, {
                x1: "from",
                x2: "to",
                y: "tiles",
                fill: colour("s1"),
                inset: 0.8,
                rx: 1.5,
                title: (b) => `${b.tiles} tiles`,
              }),
              Plot.ruleY([0], {stroke: colour("faint")}),
            ],
          }),
        table: {
          columns: [
            {label: "cells in use", value: (b) => `${Math.round(100 * b.from)}–${Math.round(100 * b.to)} %`},
            {label: "tiles", number: true, value: (b) => xw.number(b.tiles)},
          ],
          rows: bins,
        },
      });
  };

  const saturationChart = (cards, record, saturation) => {
    const layerOf = (call) => record.tile_map.matrices.find((matrix) => matrix.call === call)?.layer ?? 0;
    const cells = record.calls.map((call, i) => ({
      x: layerOf(i),
      y: call.name.replace(/^.*layers?\.\d+\./, "").replace(/^model\./, ""),
      value: saturation[i],
      name: call.name,
    }));
    const rows = [...new Set(cells.map((cell) => cell.y))],
      most = Math.max(...saturation),
      top = cells.find((cell) => cell.value === most);
    xw.figure(cards, {
      id: "saturation",
      title: "Saturated output conversions",
      kind: "measured",
      note: `The most is ${(100 * most).toPrecision(2)} % of the conversions of ${top.name}.`,
      render: xw.heatmap(cells, {
        columns: [...new Set(cells.map((cell) => cell.x))].sort((a, b) => a - b),
        rows,
        xLabel: "layer",
        format: (v) => `${(100 * v).toPrecision(2)} % saturated`,
        most,
      }),
      table: {
        columns: [
          {label: "call", value: (c) => c.name},
          {label: "saturated", number: true, value: (c) => `${(100 * c.value).toPrecision(3)} %`},
        ],
        rows: cells,
      },
    });
  };

  const estimateCharts = (record) => {
    const estimate = record.chip_estimate;
    const cards = xw.section(
      "estimate",
      "Estimate",
      estimate.method ? `A static estimate: ${estimate.method}.` : "A static estimate, without contention.",
    );
    const pj = (energy) =>
      Object.fromEntries(
        Object.entries(energy)
          .filter(([name]) => name !== "total")
          .map(([name, number]) => [name, number.value]),
      );
    for (const [key, name] of [
      ["decode", `a decoded token, ${xw.time(estimate.decode.time.value)}`],
      ["prefill", `a prompt of ${estimate.prefill.tokens} tokens, ${xw.time(estimate.prefill.time.value)}`],
    ]) {
      xw.figure(cards, {
        id: `estimate-${key}`,
        title: `Energy of ${name}`,
        kind: "modelled",
        ...xw.breakdown(pj(estimate[key].energy), xw.energy),
      });
    }
  };

  const measured = (record) => {
    const {run} = record,
      cards = xw.section("run", "Measured run", `${run.description}, on this machine.`);
    const shares = Object.entries(run.host_time ?? {})
      .filter(([, entry]) => typeof entry?.value === "number" && entry.value > 0)
      .map(([name, entry]) => ({name, value: entry.value, text: xw.scaled(entry.value, entry.unit ?? "s")}));
    if (shares.length > 0) {
      xw.figure(cards, {
        id: "host-time",
        title: "Time of this machine",
        kind: "measured",
        note: "By kind of work, both phases.",
        render: (width) => xw.bars(shares, {width}),
        table: {
          columns: [
            {label: "kind", value: (r) => r.name},
            {label: "time", number: true, value: (r) => r.text},
          ],
          rows: shares,
        },
      });
    }
    const phases = [
      ["prompt", run.prefill],
      ["generated", run.decode],
    ].filter(([, phase]) => phase);
    xw.figure(cards, {
      id: "counters",
      title: "What the device counted",
      kind: "measured",
      content: xw.table(
        [
          {label: "", value: ([name]) => name},
          {label: "tokens", number: true, value: ([, p]) => xw.number(p.tokens)},
          {label: "tokens/s", number: true, value: ([, p]) => xw.number(p.tokens_per_s.value)},
          {label: "MVMs", number: true, value: ([, p]) => xw.number(p.mvms)},
          {label: "conversions", number: true, value: ([, p]) => xw.number(p.adc_conversions)},
          {label: "saturated", number: true, value: ([, p]) => xw.number(p.adc_saturations)},
        ],
        phases,
      ),
    });
  };

  const constants = (record) => {
    const rows = Object.entries(record.chip_estimate.constants).flatMap(([of, values]) =>
      Object.entries(values).map(([name, c]) => ({of, name, ...c})),
    );
    if (rows.length === 0) return;
    const cards = xw.section("constants", "Constants of the chip");
    xw.figure(cards, {
      id: "constants-table",
      wide: true,
      title: `${record.chip}: where the figures come from`,
      content: h(
        "details",
        {},
        h("summary", {}, xw.plural(rows.length, "constant")),
        h(
          "div",
          {class: "table"},
          xw.table(
            [
              {label: "of", value: (r) => r.of},
              {label: "constant", value: (r) => r.name},
              {label: "value", number: true, value: (r) => xw.number(r.value)},
              {label: "unit", value: (r) => r.unit},
              {label: "source", value: (r) => r.source},
            ],
            rows,
          ),
        ),
      ),
    });
  };

  xw.views.report = (record) => {
    xw.head(
      `${record.model} on ${record.chip}`,
      `What the program ${xw.base(record.program)} costs: tiles, time, energy.`,
    );
    keyFigures(record);
    const simulation = record.chip_simulation;
    if (simulation?.absent)
      document
        .getElementById("content")
        .append(h("p", {class: "notice"}, `No simulation of the chip: ${simulation.absent}.`));
    tiles(record);
    if (simulation?.decode) {
      const run = simulation.decode,
        cards = xw.section(
          "decode",
          "A decoded token",
          `One token of one sequence at context ${xw.number(run.context)}, with contention.`,
        );
      xw.runBreakdowns(cards, run, "decode", "a decoded token");
      xw.runLayers(cards, run, "decode", "a decoded token");
      xw.runBusy(cards, run, "decode", "a decoded token");
      if (record.roofline) xw.roofline(cards, record.roofline);
    }
    if (simulation?.prefill) {
      const run = simulation.prefill,
        cards = xw.section(
          "prefill",
          "A prompt",
          `${xw.number(run.tokens)} tokens from position 0, pipelined over the layers: ${xw.time(run.total_ns)}. Times on the path are summed over tokens, which overlap.`,
        );
      xw.runBreakdowns(cards, run, "prefill", "a prompt");
      xw.runLayers(cards, run, "prefill", "a prompt");
      xw.runBusy(cards, run, "prefill", "a prompt");
    }
    if (record.chip_estimate && !simulation?.decode) estimateCharts(record);
    if (record.run) measured(record);
    if (record.chip_estimate) constants(record);
  };
}
