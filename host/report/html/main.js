// From the record to the page: theme, the view of the command, where it all comes from.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {h} = xw;
  const root = document.documentElement,
    dark = matchMedia("(prefers-color-scheme: dark)");
  let choice = "auto";
  try {
    choice = localStorage.getItem("crossweave-theme") ?? "auto";
  } catch {
    /* pages from files may keep nothing */
  }
  const apply = (theme) => {
    root.dataset.theme = theme ?? (choice === "auto" ? (dark.matches ? "dark" : "light") : choice);
  };
  apply();
  dark.addEventListener("change", () => apply());
  addEventListener("beforeprint", () => apply("light"));
  addEventListener("afterprint", () => apply());

  const themeButton = () => {
    const next = {auto: "light", light: "dark", dark: "auto"};
    const button = h(
      "button",
      {
        type: "button",
        title: "Light, dark, or as the system says",
        onclick: () => {
          choice = next[choice];
          try {
            localStorage.setItem("crossweave-theme", choice);
          } catch {
            /* as above */
          }
          apply();
          button.textContent = `Theme: ${choice}`;
        },
      },
      `Theme: ${choice}`,
    );
    return button;
  };

  const record = JSON.parse(document.getElementById("record").textContent),
    about = record.about;
  const save = () => {
    const link = h("a", {
      href: URL.createObjectURL(new Blob([JSON.stringify(record, null, 2) + "\n"], {type: "application/json"})),
      download: `${about.output}.json`,
    });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  document
    .getElementById("tools")
    .append(
      h("button", {type: "button", title: "The result as crossweave writes it", onclick: save}, "Save JSON"),
      themeButton(),
    );

  const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
  const licences = JSON.parse(document.getElementById("licences").textContent);
  document.getElementById("provenance").append(
    h(
      "dl",
      {},
      ...[
        ["command", h("code", {}, about.command.map(quoted).join(" "))],
        ...about.inputs.map((input) => [
          input.what,
          [h("code", {}, input.path), input.crc32 ? ` · ${xw.scaled(input.bytes, "B")} · CRC-32 ${input.crc32}` : ""],
        ]),
        [
          "made by",
          `crossweave ${about.tool_version}, contract ${about.contract}, schema ${about.output} ${about.schema}`,
        ],
        [
          "kinds of numbers",
          "measured: on the machine of the command. Modelled: from the constants of the chip description, without contention. Simulated: by the model of the chip, with contention.",
        ],
      ].flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    ),
    h(
      "details",
      {},
      h("summary", {}, "Licences of what this page is made of"),
      licences.map(({name, text}) => [h("p", {}, name), h("pre", {}, text)]),
    ),
  );

  const view = xw.views[about.output];
  try {
    if (view) view(record);
    else xw.head(`crossweave ${about.output}`, "This page has no view of such a result; its JSON can be saved.");
  } catch (error) {
    document
      .getElementById("content")
      .append(
        h("p", {class: "notice"}, `The rest of the page cannot be drawn (${error.message}); its JSON can be saved.`),
      );
    throw error;
  } finally {
    root.dataset.ready = "true";
  }
}
