// The page of `crossweave simulate`: one run, or a sweep over contexts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {colour} = xw;

  const workload = (run) =>
    [
      run.sequences > 1 ? `${run.sequences} sequences` : "one sequence",
      run.first_position > 0 ? `${xw.number(run.first_position)} positions in the cache` : null,
      run.prompt_tokens > 0 ? `a prompt of ${xw.number(run.prompt_tokens)} tokens` : null,
      `${xw.plural(run.generated_tokens, "token")} generated`,
      run.digital_on_host ? "digital side on the host" : null,
    ]
      .filter(Boolean)
      .join(", ");

  const one = (record, run) => {
    xw.keyFigures([
      {label: "Generated tokens", value: `${xw.number(run.tokens_per_s)} /s`, sub: "of all sequences"},
      {label: "Whole run", value: xw.time(run.total_ns)},
      {label: "First token after", value: xw.time(run.first_token_ns)},
      run.next_token_ns ? {label: "Between tokens", value: xw.time(run.next_token_ns)} : null,
      {
        label: "Energy per token",
        value: xw.energy(run.energy_pj_per_token),
        sub: `${xw.number(run.tops_per_watt)} TOPS/W`,
      },
      {label: "Bound by", value: run.bottleneck},
      {
        label: "Tiles",
        value: xw.number(record.tiles),
        sub: `busy ${xw.percent(run.utilisation.tiles_mean)} of the time`,
      },
      run.buffer.spilled_bytes > 0
        ? {label: "Activations to memory", value: xw.scaled(run.buffer.spilled_bytes, "B"), sub: "the buffer was full"}
        : null,
    ]);
    const cards = xw.section("run", "Time and energy");
    xw.runBreakdowns(cards, run, "run", "the run");
    xw.runLayers(cards, run, "run", "the run");
    xw.runBusy(cards, run, "run", "the run");
    if (record.roofline) xw.roofline(cards, record.roofline);
  };

  const sweep = (record) => {
    const runs = record.runs.map((run) => ({...run, context: run.first_position + 1}));
    const last = runs[runs.length - 1];
    xw.keyFigures([
      {label: `Token at context ${runs[0].context}`, value: xw.time(runs[0].total_ns)},
      {
        label: `Token at context ${xw.number(last.context)}`,
        value: xw.time(last.total_ns),
        sub: `bound by ${last.bottleneck}`,
      },
      {label: `Energy at ${runs[0].context}`, value: xw.energy(runs[0].energy_pj_per_token)},
      {label: `Energy at ${xw.number(last.context)}`, value: xw.energy(last.energy_pj_per_token)},
      {label: "Tiles", value: xw.number(record.tiles)},
    ]);
    const cards = xw.section("sweep", "Longer contexts", "One token at each context.");
    for (const [id, title, key, format, unit, scale] of [
      ["sweep-time", "Time of a token", "critical_path_ns", xw.time, "↑ µs", 1e-3],
      ["sweep-energy", "Energy of a token", "energy_pj", xw.energy, "↑ µJ", 1e-6],
    ]) {
      const {legend, render, table} = xw.stacked(
        runs.map((run) => ({name: String(run.context), breakdown: run[key]})),
        {format, xLabel: "context", yUnit: unit, scale},
      );
      xw.figure(cards, {
        id,
        title,
        kind: "simulated",
        legend,
        render,
        table,
        note: `From ${format(xw.sum(Object.values(runs[0][key])))} to ${format(xw.sum(Object.values(last[key])))}.`,
      });
    }
    xw.figure(cards, {
      id: "sweep-attention",
      title: "Share of attention",
      kind: "simulated",
      note: `Of the token's time: ${xw.percent(last.attention_ns / last.total_ns)} at context ${xw.number(last.context)}.`,
      render: (width) =>
        xw.plot({
          width,
          height: 240,
          marginLeft: 48,
          marginBottom: 38,
          x: {
            type: "log",
            base: 2,
            label: "context →",
            tickSize: 0,
            tickFormat: (v) => xw.number(v),
            ticks: Math.min(runs.length, Math.floor(width / 55)),
          },
          y: {domain: [0, 1], label: null, grid: true, ticks: 5, tickSize: 0, tickFormat: (v) => `${100 * v} %`},
          marks: [
            Plot.line(runs, {
              x: "context",
              y: (r) => r.attention_ns / r.total_ns,
              stroke: colour("s1"),
              strokeWidth: 2,
            }),
            Plot.dot(runs, {
              x: "context",
              y: (r) => r.attention_ns / r.total_ns,
              r: 3.5,
              fill: colour("s1"),
              title: (r) => `${r.context}: ${xw.percent(r.attention_ns / r.total_ns)}`,
            }),
          ],
        }),
      table: {
        columns: [
          {label: "context", number: true, value: (r) => xw.number(r.context)},
          {label: "attention", number: true, value: (r) => xw.time(r.attention_ns)},
          {label: "token", number: true, value: (r) => xw.time(r.total_ns)},
          {label: "tokens/s", number: true, value: (r) => xw.number(r.tokens_per_s)},
          {label: "bound by", value: (r) => r.bottleneck},
        ],
        rows: runs,
      },
    });
    if (record.roofline) xw.roofline(cards, record.roofline);
  };

  xw.views.simulate = (record) => {
    const single = record.runs.length === 1;
    xw.head(
      `${record.model} on ${record.chip}`,
      single ? `Simulated: ${workload(record.runs[0])}.` : `Simulated: one token at ${record.runs.length} contexts.`,
    );
    if (single) one(record, record.runs[0]);
    else sweep(record);
  };
}
