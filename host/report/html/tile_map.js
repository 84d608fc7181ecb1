// The map of the tiles: every crossbar with the blocks of weights that it holds, coloured by what is asked for.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
"use strict";
{
  const {h, svg, colour} = xw;
  const kKinds = ["s1", "s2", "s3", "s5", "s4", "s6", "s8", "s7"];

  /// Names like "model.layers.3.mlp.up_proj" end in the kind of the layer.
  const kindOf = (name) =>
    name
      .split(".")
      .filter((word) => word !== "weight")
      .pop();

  /// {tiles: [{tile, chip, blocks, cells, use, busy, saturation}]} of the record's tile_map; `busy` by tile and `saturation` by call may be missing.
  xw.tiles = (map, calls, busy, saturation) => {
    const number = Math.max(busy?.length ?? 0, d3.max(map.blocks, (block) => block.tile + 1) ?? 0);
    const tiles = Array.from({length: number}, (_, tile) => ({
      tile,
      chip: map.tiles_per_chip ? Math.floor(tile / map.tiles_per_chip) : 0,
      blocks: [],
      cells: 0,
    }));
    for (const block of map.blocks) {
      const matrix = map.matrices[block.matrix];
      tiles[block.tile].blocks.push({
        ...block,
        name: matrix.name,
        layer: matrix.layer,
        call: matrix.call,
        kind: kindOf(matrix.name),
        saturation: saturation?.[matrix.call],
      });
      tiles[block.tile].cells += block.rows * block.cols;
    }
    for (const tile of tiles) {
      tile.use = tile.cells / (map.tile_rows * map.tile_cols);
      tile.busy = busy?.[tile.tile];
      const known = tile.blocks.filter((block) => block.saturation !== undefined);
      if (known.length > 0) tile.saturation = Math.max(...known.map((block) => block.saturation));
    }
    return tiles;
  };

  const detail = (map, tile) =>
    h(
      "div",
      {},
      h("h4", {}, `Tile ${tile.tile}${map.chips > 1 ? `, chip ${tile.chip}` : ""}`),
      h(
        "dl",
        {},
        ...[
          ["cells in use", xw.percent(tile.use)],
          ["busy", tile.busy === undefined ? null : xw.percent(tile.busy)],
          [
            "conversions saturated",
            tile.saturation === undefined ? null : `${(100 * tile.saturation).toPrecision(2)} %`,
          ],
          ["blocks", xw.number(tile.blocks.length)],
        ]
          .filter(([, value]) => value !== null)
          .flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
      ),
      h(
        "ul",
        {},
        tile.blocks.map((b) =>
          h(
            "li",
            {},
            b.name,
            h(
              "span",
              {},
              `layer ${b.layer} · ${b.rows} × ${b.cols} cells · rows ${b.row0}–${b.row0 + b.rows - 1}, columns ${b.col0}–${b.col0 + b.cols - 1}` +
                (b.saturation === undefined ? "" : ` · ${(100 * b.saturation).toPrecision(2)} % saturated`),
            ),
          ),
        ),
      ),
    );

  /// The ways to colour that the record has numbers for: {value: [text, legend(), fill(tile, block)]}.
  const colourings = (tiles, map) => {
    const kinds = [...new Set(map.matrices.map((matrix) => kindOf(matrix.name)))];
    const lastLayer = Math.max(...map.matrices.map((matrix) => matrix.layer));
    const most = (key) => Math.max(d3.max(tiles, (tile) => tile[key] ?? 0) ?? 0, 1e-12);
    const found = {
      kind: [
        "Kind of layer",
        () => xw.legend(kinds.map((kind, i) => [kind, colour(kKinds[i % kKinds.length])])),
        (tile, block) => colour(kKinds[kinds.indexOf(block.kind) % kKinds.length]),
      ],
      layer: [
        "Layer",
        () => xw.ramp("layer 0", lastLayer),
        (tile, block) => xw.heat(0.12 + (0.88 * block.layer) / Math.max(1, lastLayer)),
      ],
      use: ["Cells in use", () => xw.ramp("0 %", "100 %"), (tile) => xw.heat(tile.use)],
    };
    if (tiles.some((tile) => tile.busy !== undefined))
      found.busy = [
        "Busy",
        () => xw.ramp("0 %", xw.percent(most("busy"))),
        (tile) => xw.heat(tile.busy / most("busy")),
      ];
    if (tiles.some((tile) => tile.saturation !== undefined)) {
      const top = most("saturation");
      found.saturation = [
        "Saturation",
        () => xw.ramp("0 %", `${(100 * top).toPrecision(2)} %`),
        (tile, block) => xw.heat((block.saturation ?? 0) / top),
      ];
    }
    return found;
  };

  /// Rows of tiles: chips beside each other as far as `width` goes, each a square of its tiles. Returns {cell, height, place(tile) -> [x, y], chips}.
  const layout = (tiles, map, width) => {
    const perChip = map.chips > 1 ? map.tiles_per_chip : tiles.length,
      gap = map.chips > 1 ? 14 : 0,
      head = map.chips > 1 ? 15 : 0;
    const side =
      map.chips > 1
        ? Math.ceil(Math.sqrt(perChip))
        : Math.min(tiles.length, Math.max(12, Math.ceil(Math.sqrt(tiles.length * 2.1))));
    const wanted = map.chips > 1 ? Math.max(5, 104 / side) : 9; // pixels of a tile, at least
    const abreast = Math.min(map.chips, Math.max(1, Math.floor((width + gap) / (side * wanted + gap))));
    const across = map.chips > 1 ? side : Math.min(side, Math.max(4, Math.floor(width / wanted)));
    const cell = Math.min(64, (width - gap * (abreast - 1)) / (abreast * across));
    const down = Math.ceil(perChip / across),
      chipWidth = across * cell + gap,
      chipHeight = down * cell + gap + head;
    const corner = (chip) => [(chip % abreast) * chipWidth, Math.floor(chip / abreast) * chipHeight + head];
    return {
      cell,
      across,
      height: Math.ceil(map.chips / abreast) * chipHeight,
      corner,
      place: (tile) => {
        const within = map.chips > 1 ? tile.tile % map.tiles_per_chip : tile.tile,
          [x, y] = corner(tile.chip);
        return [x + (within % across) * cell, y + Math.floor(within / across) * cell];
      },
    };
  };

  /// The figure of the map. Arrow keys go from tile to tile; pointer and keys show what a tile holds.
  xw.tileMap = (cards, map, tiles, kind) => {
    const ways = colourings(tiles, map);
    let way = "kind",
      current = tiles.find((tile) => tile.blocks.length > 0) ?? tiles[0],
      shapes = [],
      columns = 1;
    const side = h("div", {class: "map-detail", "aria-live": "polite"}),
      legend = h("div", {}),
      canvas = h("div", {
        class: "map-canvas",
        tabindex: "0",
        role: "application",
        "aria-label": "Map of the tiles. Arrow keys go from tile to tile; what a tile holds is told beside the map.",
      });
    const show = (tile) => {
      shapes[current.tile]?.classList.remove("current");
      current = tile;
      shapes[tile.tile]?.classList.add("current");
      side.replaceChildren(detail(map, tile));
    };
    const paint = () => {
      const [, makeLegend, fill] = ways[way];
      legend.replaceChildren(makeLegend());
      for (const tile of tiles) {
        const [, ...blocks] = shapes[tile.tile]?.children ?? [];
        blocks.forEach((block, i) => {
          block.style.fill = fill(tile, tile.blocks[i]);
        });
      }
    };
    const render = (width) => {
      const plan = layout(tiles, map, width),
        inset = Math.min(1.5, plan.cell * 0.06),
        inner = plan.cell - 2 * inset;
      columns = plan.across;
      shapes = tiles.map((tile) => {
        const [x, y] = plan.place(tile);
        return svg(
          "g",
          {
            class: "tile",
            transform: `translate(${(x + inset).toFixed(2)} ${(y + inset).toFixed(2)})`,
            onpointerenter: () => show(tile),
            onclick: () => show(tile),
          },
          svg("rect", {
            class: "tile-frame",
            width: inner.toFixed(2),
            height: inner.toFixed(2),
            rx: Math.min(2, inner / 8),
          }),
          tile.blocks.map((b) =>
            svg("rect", {
              x: ((inner * b.col0) / map.tile_cols).toFixed(2),
              y: ((inner * b.row0) / map.tile_rows).toFixed(2),
              width: Math.max(0.4, (inner * b.cols) / map.tile_cols - (inner > 12 ? 0.4 : 0)).toFixed(2),
              height: Math.max(0.4, (inner * b.rows) / map.tile_rows - (inner > 12 ? 0.4 : 0)).toFixed(2),
            }),
          ),
        );
      });
      const heads =
        map.chips > 1
          ? Array.from({length: map.chips}, (_, chip) => {
              const [x, y] = plan.corner(chip);
              return svg("text", {x, y: y - 4, "font-size": 11, style: {fill: colour("soft")}}, `chip ${chip}`);
            })
          : [];
      const picture = svg(
        "svg",
        {viewBox: `0 0 ${width} ${plan.height + 2}`, width, height: plan.height + 2},
        ...heads,
        ...shapes,
      );
      requestAnimationFrame(() => {
        paint();
        show(current);
      });
      return picture;
    };
    canvas.addEventListener("keydown", (event) => {
      const step = {
        ArrowRight: 1,
        ArrowLeft: -1,
        ArrowDown: columns,
        ArrowUp: -columns,
        Home: -tiles.length,
        End: tiles.length,
      }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      show(tiles[Math.max(0, Math.min(tiles.length - 1, current.tile + step))]);
    });
    const place = h(
      "div",
      {class: "map"},
      h(
        "div",
        {},
        xw.segments(
          "Colour of the tiles",
          Object.entries(ways).map(([value, [text]]) => [value, text]),
          way,
          (chosen) => {
            way = chosen;
            paint();
          },
        ),
        legend,
        canvas,
      ),
      side,
    );
    const used = tiles.filter((tile) => tile.blocks.length > 0),
      use = xw.mean(used.map((tile) => tile.use));
    xw.figure(cards, {
      id: "tile-map",
      wide: true,
      kind,
      title: "Tiles and what they hold",
      content: place,
      note: `${xw.plural(used.length, "tile")} of ${map.tile_rows} × ${map.tile_cols} cells${map.chips > 1 ? ` on ${map.chips} chips` : ""}; ${xw.percent(use)} of their cells hold weights. Every square is a tile, in it its blocks where they stand.`,
      table: {
        columns: [
          {label: "tile", number: true, value: (t) => String(t.tile)},
          {label: "chip", number: true, value: (t) => String(t.chip)},
          {label: "cells in use", number: true, value: (t) => xw.percent(t.use)},
          {label: "busy", number: true, value: (t) => (t.busy === undefined ? "–" : xw.percent(t.busy))},
          {label: "holds", value: (t) => t.blocks.map((b) => b.name).join(", ")},
        ],
        rows: tiles,
      },
    });
    xw.watch(canvas, render);
  };
}
