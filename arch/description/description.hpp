// Chip and emulator descriptions: what arch/chips/*.toml says, checked.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xw::arch {

/// A number from a description with its unit and where it comes from.
struct Sourced {
  double value = 0;
  std::string unit;    ///< "ns", "pJ", ...
  std::string source;  ///< publication, data sheet, or "fitted: ..." / "assumed: ..."
};

/// How chips of a kind hang together when a model needs several.
enum class LinkTopology : std::uint8_t {
  kChain,  ///< every chip with the next one
  kStar,   ///< every chip with one switch
  kMesh,   ///< rows of `mesh_columns` chips, every chip with its neighbours
};
[[nodiscard]] const char* name(LinkTopology topology);  ///< "chain", "star", "mesh"

/// Links between chips, one per direction.
struct ChipLinks {
  LinkTopology topology = LinkTopology::kChain;
  std::uint32_t mesh_columns = 0;            ///< chips per row of a mesh
  std::map<std::string, Sourced> constants;  ///< all of link_keys(); those of the defaults where the file has no table
};

/// The modelled analog chip.
struct ChipDescription {
  std::string name;
  std::string doc;
  std::uint32_t num_tiles = 0;  ///< crossbars, all tiers together; 0: as many as the model needs
  std::uint32_t tiers = 1;      ///< crossbars above each other that share converters and work one at a time
  std::uint32_t rows = 0;       ///< wordlines of a tile, 1..limit max_rows
  std::uint32_t cols = 0;       ///< bitlines of a tile, 1..limit max_cols
  unsigned dac_bits = 8;
  unsigned adc_bits = 8;
  std::uint32_t adcs_per_tile = 0;  ///< converters; cols / adcs_per_tile conversion rounds per MVM
  std::uint32_t read_phases = 1;    ///< times the crossbar is read in one MVM, each as long as timing "mvm"
  std::uint32_t input_links = 0;   ///< links that broadcast inputs to tiles, tile t on t % input_links; 0: one per tile
  std::uint32_t output_links = 0;  ///< links that collect outputs of tiles, likewise
  std::uint32_t mesh_columns = 0;  ///< tiles per row of the mesh, digital side before column 0; 0: no mesh, no hops
  std::uint64_t buffer_bytes = 0;  ///< capacity of the activation buffer; 0: unlimited
  std::uint32_t sum_bytes = 4;     ///< one sum of a tile or a call on links and in the buffer
  int g_unit = 96;                 ///< cell code of w_max
  float lambda = 12.0F;            ///< default ADC full scale in units of beta * w_max
  float read_sigma =
      0.0F;  ///< default read noise, standard deviation in units of beta * w_max (full-scale input x full-scale weight)
  std::string noise = "ideal";            ///< default cell model, as models/cells reads it: "gaussian:gamma=0.05"
  std::string emulator;                   ///< emulator it is compiled for by default; may be in the same file
  std::map<std::string, Sourced> timing;  ///< constants of the static estimate and the SystemC model, by key
  std::map<std::string, Sourced> energy;  ///< likewise
  std::map<std::string, Sourced> area;    ///< likewise
  ChipLinks links;                        ///< to other chips of its kind
  /// Writing the cells: all of programming_keys(), those of the defaults where the file has no table.
  std::map<std::string, Sourced> programming;
  std::string text;              ///< the whole TOML text; carried in programs
  std::filesystem::path folder;  ///< of its file, where relative paths in it start; empty without one

  /// Sets of converters when the crossbars 0..used-1 are in use: tiers of one set take turns.
  [[nodiscard]] std::uint32_t num_stacks(std::uint32_t used) const {
    const std::uint32_t crossbars = num_tiles != 0 ? num_tiles : used;
    return crossbars / tiers + (crossbars % tiers != 0 ? 1 : 0);
  }
  /// The set of converters of a crossbar. Neighbours are in different sets, so that the blocks of a call work at once.
  [[nodiscard]] std::uint32_t stack_of(std::uint32_t crossbar, std::uint32_t used) const {
    return crossbar % num_stacks(used);
  }
  /// Routers between tile `stack` and the digital side; the tiles of a mesh fill it row by row.
  [[nodiscard]] std::uint32_t hops_of(std::uint32_t stack) const {
    return mesh_columns == 0 ? 0 : stack % mesh_columns + 1;
  }
  /// Row of the mesh; 0 without one.
  [[nodiscard]] std::uint32_t row_of(std::uint32_t stack) const { return mesh_columns == 0 ? 0 : stack / mesh_columns; }
  /// The link of tile `stack` when there are `num_links`: its own (0), the tiles in turn, or the rows of a mesh in turn.
  [[nodiscard]] std::uint32_t link_of(std::uint32_t stack, std::uint32_t num_links) const {
    if (num_links == 0) return stack;
    return (mesh_columns == 0 ? stack : row_of(stack)) % num_links;
  }
  [[nodiscard]] int dac_max() const { return (1 << (dac_bits - 1)) - 1; }
  [[nodiscard]] int adc_max() const { return (1 << (adc_bits - 1)) - 1; }
};

/// The digital emulator (FPGA or its models) that executes programs.
struct EmulatorDescription {
  std::string name;
  std::string doc;
  std::uint32_t num_engines = 0;
  std::uint32_t lanes = 0;       ///< L: columns per cycle and engine; cell beat bytes
  std::uint32_t block_rows = 0;  ///< rows of a context
  std::uint32_t block_cols = 0;  ///< columns of a context, multiple of lanes
  std::uint32_t contexts = 0;    ///< per engine, at least 2
  std::uint32_t xbuf_bytes = 0;  ///< XBUF bytes per vector
  std::uint32_t ybuf_words = 0;  ///< YBUF words per vector and engine
  std::uint32_t max_batch = 0;
  std::uint32_t adc_columns_per_cycle = 0;
  std::uint32_t data_width_bits = 0;  ///< of every AXI port
  std::uint32_t max_outstanding = 0;  ///< read bursts per port
  double clock_mhz = 0;
  std::uint32_t memory_latency_cycles = 0;
  double memory_bytes_per_cycle = 0;  ///< per port
  std::uint64_t memory_bytes = 0;     ///< device memory in total
  std::string text;
  friend bool operator==(const EmulatorDescription&, const EmulatorDescription&) = default;
};

/// Parses and checks; every problem is one Error{kFormat} naming `origin`, key, expected, found.
/// A text may hold a [chip], an [emulator] or both. Unknown keys are errors.
[[nodiscard]] ChipDescription parse_chip(std::string_view toml_text, const std::string& origin);
[[nodiscard]] EmulatorDescription parse_emulator(std::string_view toml_text, const std::string& origin);

/// The chip with another cell model, in its text, too. `noise` is what the key takes; throws Error{kFormat} for anything else. The
/// description must have the key "noise".
[[nodiscard]] ChipDescription with_noise(const ChipDescription& chip, const std::string& noise);

/// Loads by name ("afm-512") from the built-in descriptions or by path ("my/chip.toml").
[[nodiscard]] ChipDescription load_chip(const std::string& name_or_path);
[[nodiscard]] EmulatorDescription load_emulator(const std::string& name_or_path);
/// Names of the built-in descriptions (compiled into the library from arch/chips).
[[nodiscard]] std::vector<std::string> builtin_chips();
[[nodiscard]] std::vector<std::string> builtin_emulators();

}  // namespace xw::arch
