// The page of `crossweave plan`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {h, colour} = xw;
  const kTints = {
    "as it is": "s7",
    chips: "s1",
    reload: "s2",
    digital: "s3",
    "fewer copies": "s4",
    "tile size": "s5",
    duplicate: "s6",
  };
  const tint = (plan) => colour(kTints[plan.kind] ?? "s8");
  const silicon = (plan) => plan.chips * (plan.tiles_per_chip || plan.tiles) * plan.tile_rows * plan.tile_cols;
  const above = (value, bound) =>
    typeof value === "number" && bound > 0 ? `+${Number((100 * (value / bound - 1)).toPrecision(2))} %` : "–";

  const scatter = (cards, plans) => {
    const shown = plans.filter((plan) => plan.token_ns > 0 && plan.token_pj > 0);
    if (shown.length === 0) return;
    const front = [...shown.filter((plan) => plan.pareto)].sort((a, b) => a.token_ns - b.token_ns),
      kinds = [...new Set(shown.map((plan) => plan.kind))];
    const tip = (p) =>
      `${p.what}${p.best ? " (best)" : ""}\n${xw.time(p.token_ns)}, ${xw.energy(p.token_pj)} per token\n${xw.plural(p.tiles, "tile")} on ${xw.plural(p.chips, "chip")}\nbound by ${p.bound_by}`;
    const widest = (v) => Math.sqrt(silicon(v) / Math.max(...shown.map(silicon)));
    xw.figure(cards, {
      id: "pareto",
      wide: true,
      title: "Time and energy of a token",
      kind: "modelled",
      legend: [...kinds.map((kind) => [kind, colour(kTints[kind] ?? "s8")])],
      note: `${xw.plural(front.length, "plan")} with a ring ${front.length === 1 ? "is" : "are"} beaten by no other in silicon, time, energy, prompt and writing together; the larger a dot, the more silicon (cells of all tiles that have to be there).`,
      render: (width) => {
        const most = Math.min(12, width / 60); // pixels of the largest dot
        const [times, energies] = ["token_ns", "token_pj"].map((key) =>
          wide(
            shown.map((p) => p[key]),
            width < 560 ? 3 : 1.9,
          ),
        );
        const place = (p) => Math.log(p.token_ns / times[0]) / Math.log(times[1] / times[0]); // 0 left, 1 right
        return xw.plot({
          width,
          height: Math.min(430, Math.max(300, width * 0.48)),
          marginLeft: 74,
          marginRight: 24,
          marginTop: 26,
          marginBottom: 44,
          r: {type: "identity"},
          x: {type: "log", domain: times, axis: null},
          y: {type: "log", domain: energies, axis: null},
          marks: [
            ...xw.logAxis(
              "x",
              xw.logTicks(...times, Math.max(3, Math.floor(width / 90))),
              xw.time,
              "time of a generated token →",
            ),
            ...xw.logAxis("y", xw.logTicks(...energies, 8), xw.energy, "↑ energy of a generated token"),
            Plot.dot(shown, {
              x: "token_ns",
              y: "token_pj",
              r: (p) => 4 + most * widest(p),
              fill: tint,
              fillOpacity: 0.82,
              stroke: colour("surface"),
            }),
            Plot.dot(front, {
              x: "token_ns",
              y: "token_pj",
              r: (p) => 7.5 + most * widest(p),
              stroke: tint,
              strokeWidth: 1.6,
            }),
            ...labelled(shown).map((p) =>
              Plot.text([p], {
                x: "token_ns",
                y: "token_pj",
                text: () => (p.best ? `${p.what} · best` : p.what),
                textAnchor: place(p) < 0.25 ? "start" : place(p) > 0.75 ? "end" : "middle",
                dy: -(16 + most * widest(p)),
                fill: colour("ink"),
                stroke: colour("surface"),
                strokeWidth: 4,
                fontWeight: p.best ? 700 : 400,
              }),
            ),
            Plot.tip(shown, Plot.pointer({x: "token_ns", y: "token_pj", title: tip})),
          ],
        });
      },
    });
  };
  const wide = (values, by) => [Math.min(...values) / by, Math.max(...values) * by];
  /// Plans whose labels do not cover each other: the best, then the ones on the front, then the rest where there is room (in decades).
  const labelled = (plans) => {
    const placed = [];
    for (const plan of [...plans].sort((a, b) => b.best - a.best || b.pareto - a.pareto)) {
      const near = placed.some(
        (other) =>
          Math.abs(Math.log10(other.token_ns / plan.token_ns)) < 0.32 &&
          Math.abs(Math.log10(other.token_pj / plan.token_pj)) < 0.12,
      );
      if (!near) placed.push(plan);
    }
    return placed;
  };

  const silicons = (cards, plans) => {
    const rows = plans.map((plan) => ({
      name: plan.what,
      value: silicon(plan),
      text: `${xw.scaled(silicon(plan), "cells")} · ${xw.plural(plan.chips, "chip")}`,
      colour: tint(plan),
    }));
    xw.figure(cards, {
      id: "silicon",
      title: "Silicon",
      kind: "modelled",
      note: "Cells of all tiles that have to be there.",
      render: (width) => xw.bars(rows, {width}),
      table: {
        columns: [
          {label: "plan", value: (r) => r.name},
          {label: "cells", number: true, value: (r) => xw.number(r.value)},
        ],
        rows,
      },
    });
  };

  const writing = (cards, plans) => {
    const rows = plans
      .filter((plan) => plan.programming?.ns > 0)
      .map((plan) => ({
        name: plan.what,
        value: plan.programming.ns,
        text: `${xw.time(plan.programming.ns)} · ${xw.energy(plan.programming.pj)}`,
        colour: tint(plan),
      }));
    if (rows.length === 0) return;
    xw.figure(cards, {
      id: "writing",
      title: "Writing all cells once",
      kind: "modelled",
      note: "Chips at the same time.",
      render: (width) => xw.bars(rows, {width}),
      table: {
        columns: [
          {label: "plan", value: (r) => r.name},
          {label: "time and energy", number: true, value: (r) => r.text},
        ],
        rows,
      },
    });
  };

  const bounds = (cards, plans) => {
    const rows = plans.flatMap((plan) =>
      [
        ["tiles", plan.tiles, plan.bounds.tiles, "s1"],
        ["time", plan.token_ns, plan.bounds.token_ns, "s2"],
        ["energy", plan.token_pj, plan.bounds.token_pj, "s3"],
      ]
        .filter(([, value, bound]) => value > 0 && bound > 0)
        .map(([of, value, bound, shade]) => ({plan: plan.what, of, share: value / bound, shade})),
    );
    if (rows.length === 0) return;
    const names = [...new Set(rows.map((row) => row.plan))],
      most = Math.max(...rows.map((r) => r.share), 1.1);
    xw.figure(cards, {
      id: "bounds",
      wide: true,
      title: "How far from what is possible at all",
      kind: "modelled",
      legend: [
        ["tiles", colour("s1")],
        ["time of a token", colour("s2")],
        ["energy of a token", colour("s3")],
      ],
      note: "Times the lower bound that holds for every mapping of these layers on as many tiles; 1 is the bound.",
      render: (width) => {
        const left = xw.room(names, width * 0.4);
        return xw.plot({
          width,
          height: names.length * 26 + 50,
          marginLeft: left,
          marginRight: 20,
          marginBottom: 38,
          x: {
            type: most > 12 ? "log" : "linear",
            domain: [1, most * 1.06],
            label: "times the lower bound →",
            grid: true,
            tickSize: 0,
            ticks: Math.floor(width / 110),
            tickFormat: (v) => xw.number(v),
          },
          y: {domain: names, label: null, tickSize: 0, tickFormat: (name) => xw.cut(name, left)},
          marks: [
            Plot.ruleY(names, {stroke: colour("grid")}),
            Plot.ruleX([1], {stroke: colour("faint")}),
            Plot.dot(rows, {
              x: "share",
              y: "plan",
              r: 5,
              fill: (r) => colour(r.shade),
              symbol: (r) => ({tiles: "square", time: "circle", energy: "diamond"})[r.of],
              title: (r) => `${r.plan}: ${r.of} ${xw.number(r.share)} times the bound`,
            }),
          ],
        });
      },
      table: {
        columns: [
          {label: "plan", value: (r) => r.plan},
          {label: "of", value: (r) => r.of},
          {label: "times the bound", number: true, value: (r) => xw.number(r.share, 4)},
        ],
        rows,
      },
    });
  };

  const list = (cards, plans) => {
    const rows = plans.map((plan) => plan);
    const columns = [
      {
        label: "plan",
        value: (p) => [
          p.what,
          p.best ? h("span", {class: "badge best"}, "best") : null,
          p.pareto ? h("span", {class: "badge", title: "beaten by no other plan"}, "front") : null,
        ],
      },
      {label: "chips", number: true, value: (p) => (p.possible ? xw.number(p.chips) : "–")},
      {label: "tiles", number: true, value: (p) => (p.possible ? xw.number(p.tiles) : "–")},
      {label: "token", number: true, value: (p) => xw.time(p.token_ns)},
      {label: "energy", number: true, value: (p) => xw.energy(p.token_pj)},
      {label: "prompt/token", number: true, value: (p) => xw.time(p.prompt_ns_per_token)},
      {label: "time above bound", number: true, value: (p) => above(p.token_ns, p.bounds.token_ns)},
      {label: "bound by", value: (p) => p.bound_by ?? "–"},
      ...(plans.some((p) => typeof p.expected_loss_nats === "number")
        ? [{label: "loss, nats", number: true, value: (p) => xw.number(p.expected_loss_nats)}]
        : []),
      {
        label: "what changes",
        value: (p) => (p.possible ? [p.change, p.note].filter(Boolean).join("; ") : `not possible: ${p.reason}`),
      },
    ];
    xw.figure(cards, {
      id: "plans-table",
      wide: true,
      title: "All plans",
      content: h(
        "div",
        {class: "table", tabindex: "0", role: "region", "aria-label": "All plans"},
        xw.table(columns, rows, (p) => (p.best ? "best" : p.possible ? null : "impossible")),
      ),
    });
  };

  xw.views.plan = (record) => {
    const there =
      record.tiles_there === 0
        ? "as many tiles as needed"
        : `${xw.plural(record.tiles_there, "tile")} of ${record.tile_rows} × ${record.tile_cols}`;
    xw.head(
      `${record.model} on ${record.chip}`,
      `Every way to put it there: ${there}${record.tiles_needed ? `, ${xw.number(record.tiles_needed)} needed` : ""}. ${record.fits ? "It fits as it is." : "It does not fit as it is."}`,
    );
    const possible = record.plans.filter((plan) => plan.possible),
      best = possible.find((plan) => plan.best);
    xw.keyFigures([
      best ? {label: `Best for ${record.objective}`, value: best.what, sub: best.change} : null,
      best
        ? {
            label: "Time per token",
            value: xw.time(best.token_ns),
            sub: `bound by ${best.bound_by}, context ${xw.number(record.context)}`,
          }
        : null,
      best ? {label: "Energy per token", value: xw.energy(best.token_pj)} : null,
      best
        ? {label: "Prompt, per token", value: xw.time(best.prompt_ns_per_token), sub: `of ${record.prompt_tokens}`}
        : null,
      best ? {label: "Tiles", value: xw.number(best.tiles), sub: xw.plural(best.chips, "chip")} : null,
      {label: "Weights to be analog", value: xw.scaled(record.analog_weights, "")},
    ]);
    if (record.impossible)
      document.getElementById("content").append(h("p", {class: "notice"}, `Cannot be laid out: ${record.impossible}`));
    if (record.smallest_change)
      document
        .getElementById("content")
        .append(h("p", {class: "notice"}, `Smallest change that would fit: ${record.smallest_change}`));
    const cards = xw.section("plans", "Plans");
    scatter(cards, possible);
    list(cards, record.plans);
    if (possible.length > 0) {
      const costs = xw.section("costs", "What they need");
      silicons(costs, possible);
      writing(costs, possible);
      bounds(costs, possible);
    }
  };
}
