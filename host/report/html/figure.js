// Frames: sections, key figures, and charts that are drawn anew when their width changes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {h} = xw;
  const drawn = [];

  /// The head of the page.
  xw.head = (title, lead) => {
    document.getElementById("content").append(h("h1", {}, title), h("p", {class: "lead"}, lead));
  };

  /// [{label, value: "1.87 ms", sub}]: the first thing to see. Entries without a value are left out.
  xw.keyFigures = (entries) => {
    const cells = entries
      .filter((entry) => entry && entry.value !== undefined && entry.value !== "–")
      .map(({label, value, sub}) => {
        const [, number, unit] = /^([-+<]?[\d.,e]+)(?: (.*))?$/.exec(value) ?? [value, value];
        return h(
          "div",
          {},
          h("dt", {}, label),
          h(
            "dd",
            {class: number === value && /[a-z]/.test(value) ? "words" : null},
            number,
            unit ? h("small", {}, ` ${unit}`) : null,
          ),
          sub ? h("span", {class: "sub"}, sub) : null,
        );
      });
    document.getElementById("content").append(h("dl", {class: "figures"}, cells));
  };

  /// A section with an entry in the contents; returns the element that figures go into.
  xw.section = (id, title, text) => {
    const cards = h("div", {class: "cards"});
    document
      .getElementById("content")
      .append(
        h(
          "section",
          {id, "aria-labelledby": `${id}-title`},
          h("h2", {id: `${id}-title`}, title),
          text ? h("p", {}, text) : null,
          cards,
        ),
      );
    document.getElementById("contents").append(h("a", {href: `#${id}`}, title));
    return cards;
  };

  xw.legend = (entries) =>
    h(
      "ul",
      {class: "legend"},
      entries.map(([name, colour]) => h("li", {}, h("i", {style: {background: colour}}), name)),
    );

  const draw = (chart) => {
    const width = Math.floor(chart.place.clientWidth);
    if (width === 0 || width === chart.width) return;
    chart.width = width;
    const picture = chart.render(width);
    const svg = picture.tagName === "svg" ? picture : picture.querySelector("svg");
    if (svg) svg.setAttribute("role", "img");
    if (svg && chart.label) svg.setAttribute("aria-label", chart.label);
    chart.place.replaceChildren(picture);
  };

  /// A table that is made when it is opened first: one of all tiles is large.
  const numbers = (title, {columns, rows, rowClass}) => {
    const place = h("div", {class: "table", tabindex: "0", role: "region", "aria-label": `${title}: numbers`});
    const fill = () => {
      if (!place.hasChildNodes()) place.append(xw.table(columns, rows, rowClass));
    };
    return h("details", {ontoggle: fill}, h("summary", {}, "Numbers"), place);
  };

  /// A figure in `cards`. {id, title, note, kind: "simulated", wide, legend: [[name, colour]] or an element, render(width) -> element, content: element in place
  /// of a rendered one, table: {columns, rows}: the same numbers}. The note tells what the chart says.
  xw.figure = (cards, {id, title, note, kind, wide, legend, render, content, table}) => {
    const place = h("div", {class: "plot"}, content);
    cards.append(
      h(
        "figure",
        {id, class: wide ? "wide" : null},
        h(
          "figcaption",
          {},
          kind ? h("span", {class: "kind"}, kind) : null,
          h("h3", {}, title),
          note ? h("p", {}, note) : null,
        ),
        legend instanceof Element ? legend : legend ? xw.legend(legend) : null,
        place,
        table ? numbers(title, table) : null,
      ),
    );
    if (render) xw.watch(place, render, note ? `${title}. ${note}` : title);
  };

  /// Keeps `place` filled with render(width).
  xw.watch = (place, render, label) => {
    const chart = {place, render, label, width: 0};
    drawn.push(chart);
    draw(chart);
    new ResizeObserver(() => requestAnimationFrame(() => draw(chart))).observe(place);
  };

  /// Buttons of which one is chosen. options: [[value, text]].
  xw.segments = (label, options, chosen, choose) => {
    const buttons = options.map(([value, text]) =>
      h(
        "button",
        {
          type: "button",
          "aria-pressed": String(value === chosen),
          onclick: (event) => {
            for (const button of buttons) button.setAttribute("aria-pressed", String(button === event.currentTarget));
            choose(value);
          },
        },
        text,
      ),
    );
    return h("div", {class: "segments", role: "group", "aria-label": label}, buttons);
  };
}
