// The page of `crossweave eval`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  /// The metric that the literature quotes first, of those that a task has.
  const kMain = ["acc_norm", "acc", "exact_match", "perplexity"];
  const {colour} = xw;
  const {text, spread, deviation, overTime, overChips} = xw.metrics;

  const perplexity = (record) => {
    const cards = xw.section(
      "perplexity",
      "Perplexity of the text",
      "exp of the mean negative log-likelihood of a token; less is better.",
    );
    const runs = record.runs.filter((run) => run.perplexity);
    overChips(cards, {
      id: "perplexity-chips",
      title: "By chip",
      metric: "perplexity",
      statistics: record.perplexity,
      runs,
      value: (run) => run.perplexity.perplexity,
      error: (run) => run.perplexity.perplexity * run.perplexity.mean_nll_standard_error_nats,
    });
    if (record.times)
      overTime(cards, record, "perplexity-times", "Over time", "perplexity", (time) => time.perplexity ?? {});
    const windows = runs[0]?.perplexity.per_window;
    if (windows && windows.tokens.length > 1) {
      const rows = windows.tokens.map((tokens, i) => {
        const losses = runs.map((run) => run.perplexity.per_window.nll_nats[i] / run.perplexity.per_window.tokens[i]);
        return {i, mean: xw.mean(losses), low: Math.min(...losses), high: Math.max(...losses)};
      });
      const worst = rows.reduce((a, b) => (b.mean > a.mean ? b : a));
      xw.figure(cards, {
        id: "windows",
        title: "By window of the text",
        kind: "measured",
        wide: rows.length > 60,
        note: `Mean loss of a token in nats${runs.length > 1 ? ", bars from the best to the worst chip" : ""}; the hardest window is number ${worst.i}.`,
        render: (width) =>
          xw.plot({
            width,
            height: 240,
            marginLeft: 44,
            marginBottom: 38,
            x: {
              label: "window →",
              tickSize: 0,
              ticks: Math.floor(width / 70),
              tickFormat: (v) => (Number.isInteger(v) ? String(v) : ""),
            },
            y: {label: "↑ nats per token", grid: true, tickSize: 0, ticks: 5, zero: false},
            marks: [
              Plot.ruleX(rows, {x: "i", y1: "low", y2: "high", stroke: colour("heat-2"), strokeWidth: 2}),
              Plot.dot(rows, {
                x: "i",
                y: "mean",
                r: Math.max(1.5, Math.min(4, width / rows.length / 4)),
                fill: colour("s1"),
                title: (r) => `window ${r.i}: ${xw.number(r.mean)} nats`,
              }),
            ],
          }),
        table: {
          columns: [
            {label: "window", number: true, value: (r) => String(r.i)},
            {label: "mean", number: true, value: (r) => xw.number(r.mean, 4)},
            {label: "best chip", number: true, value: (r) => xw.number(r.low, 4)},
            {label: "worst chip", number: true, value: (r) => xw.number(r.high, 4)},
          ],
          rows,
        },
      });
    }
  };

  const kAnswers = {
    pass: ["one of k is right", "s1", "circle"],
    majority: ["the majority of k is right", "s2", "square"],
    likeliest: ["the likeliest of k is right", "s3", "diamond"],
  };

  /// What several answers to a question are worth: metrics like "pass@4" over k.
  const overAnswers = (cards, id, task, metrics) => {
    const rows = Object.entries(metrics).flatMap(([name, {mean, std}]) => {
      const [, of, k] = /^(pass|majority|likeliest)@(\d+)$/.exec(name) ?? [];
      return of ? [{of, k: Number(k), mean, std}] : [];
    });
    const kinds = Object.keys(kAnswers).filter((of) => rows.some((row) => row.of === of));
    if (rows.length < 2 || !metrics.exact_match) return;
    rows.push(...kinds.map((of) => ({of, k: 1, mean: metrics.exact_match.mean, std: metrics.exact_match.std})));
    rows.sort((a, b) => a.k - b.k);
    const ks = [...new Set(rows.map((row) => row.k))];
    const said = (row) => `${row.k}: ${text("acc", row.mean)} ± ${text("acc", row.std)}`;
    xw.figure(cards, {
      id,
      title: `${task}: several answers`,
      kind: "measured",
      legend: kinds.map((of) => [kAnswers[of][0], colour(kAnswers[of][1])]),
      note: "Share of the questions, mean over chips; bars are the deviation over chips.",
      render: (width) =>
        xw.plot({
          width,
          height: 260,
          marginLeft: 52,
          marginRight: 18,
          marginBottom: 40,
          x: {domain: ks, type: "point", label: "answers k →", tickSize: 0},
          y: {label: null, grid: true, tickSize: 0, ticks: 5, tickFormat: (v) => `${Number((100 * v).toFixed(1))} %`},
          marks: [
            Plot.ruleX(rows, {
              x: "k",
              y1: (row) => row.mean - row.std,
              y2: (row) => row.mean + row.std,
              stroke: (row) => colour(kAnswers[row.of][1]),
            }),
            Plot.line(rows, {x: "k", y: "mean", z: "of", stroke: (row) => colour(kAnswers[row.of][1]), strokeWidth: 2}),
            Plot.dot(rows, {
              x: "k",
              y: "mean",
              r: 4,
              fill: (row) => colour(kAnswers[row.of][1]),
              symbol: (row) => kAnswers[row.of][2],
              title: (row) => `${kAnswers[row.of][0]}, ${said(row)}`,
            }),
          ],
        }),
      table: {
        columns: [
          {label: "", value: (row) => kAnswers[row.of][0]},
          {label: "k", number: true, value: (row) => String(row.k)},
          {label: "mean", number: true, value: (row) => text("acc", row.mean)},
          {label: "deviation", number: true, value: (row) => text("acc", row.std)},
        ],
        rows,
      },
    });
  };

  const tasks = (record) => {
    const cards = xw.section("tasks", "Tasks", "Scored as lm-evaluation-harness scores them.");
    for (const [task, metrics] of Object.entries(record.tasks)) {
      const metric = kMain.find((name) => metrics[name]) ?? Object.keys(metrics)[0],
        id = `task-${task.replace(/[^\w-]/g, "_")}`;
      const items = record.runs.find((run) => run.tasks?.[task])?.tasks[task].items;
      overChips(cards, {
        id,
        title: `${task}: ${metric}${items ? `, ${xw.plural(items, "item")}` : ""}`,
        metric,
        statistics: metrics[metric],
        runs: record.runs.filter((run) => run.tasks?.[task]),
        value: (run) => run.tasks[task][metric],
        error: (run) => run.tasks[task][`${metric}_stderr`],
      });
      if (record.times)
        overTime(
          cards,
          record,
          `${id}-times`,
          `${task} over time`,
          metric,
          (time) => time.tasks?.[task]?.[metric] ?? {},
        );
      overAnswers(cards, `${id}-answers`, task, metrics);
    }
    const rows = Object.entries(record.tasks).flatMap(([task, metrics]) =>
      Object.entries(metrics).map(([metric, statistics]) => ({task, metric, statistics})),
    );
    xw.figure(cards, {
      id: "tasks-table",
      wide: true,
      title: "All metrics",
      content: xw.h(
        "div",
        {class: "table"},
        xw.table(
          [
            {label: "task", value: (r) => r.task},
            {label: "metric", value: (r) => r.metric},
            {label: "mean over chips", number: true, value: (r) => text(r.metric, r.statistics.mean)},
            {
              label: "deviation",
              number: true,
              value: (r) => (r.statistics.values.length > 1 ? text(r.metric, r.statistics.std) : "–"),
            },
          ],
          rows,
        ),
      ),
    });
  };

  xw.views.eval = (record) => {
    xw.head(
      `Quality of ${xw.base(record.model)}`,
      record.runs.length > 1 ? `${record.run}, and ${xw.plural(record.runs.length - 1, "more chip")}` : record.run,
    );
    const first = record.runs[0] ?? {},
      taskFigures = Object.entries(record.tasks ?? {})
        .slice(0, 4)
        .map(([task, metrics]) => {
          const metric = kMain.find((name) => metrics[name]) ?? Object.keys(metrics)[0];
          return {
            label: `${task} (${metric})`,
            value: spread(metric, metrics[metric]),
            sub: deviation(metrics[metric]),
          };
        });
    const last = record.times?.[record.times.length - 1];
    xw.keyFigures([
      record.perplexity
        ? {
            label: record.times ? `Perplexity at ${record.times[0].time}` : "Perplexity",
            value: spread("perplexity", record.perplexity),
            sub: deviation(record.perplexity),
          }
        : null,
      record.perplexity && last?.perplexity && record.times.length > 1
        ? {label: `Perplexity at ${last.time}`, value: spread("perplexity", last.perplexity), sub: "since programming"}
        : null,
      first.perplexity
        ? {
            label: "Tokens predicted",
            value: xw.number(first.perplexity.predicted_tokens),
            sub: `${xw.plural(first.perplexity.windows, "window")} of ${first.perplexity.context_tokens}`,
          }
        : null,
      ...taskFigures,
      {
        label: "Runs",
        value: xw.plural(record.runs.length, "chip"),
        sub: record.complete ? "complete" : "interrupted: more may come",
      },
    ]);
    if (!record.complete)
      document
        .getElementById("content")
        .append(
          xw.h("p", {class: "notice"}, "The evaluation was interrupted; the figures are those of what is finished."),
        );
    if (record.perplexity) perplexity(record);
    if (record.tasks) tasks(record);
  };
}
