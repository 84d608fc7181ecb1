// What a simulation of the chip tells: times, energies, utilisation, what the tokens waited for. Plain data, no SystemC.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace xw::systemc {

/// Parts of the chip that take time or energy.
enum class Component : std::uint8_t {
  kInputLink,
  kDac,
  kCells,
  kAdc,
  kRescale,
  kOutputLink,
  kHop,  ///< routers between links and tiles
  kAccumulate,
  kBuffer,
  kDigitalMac,
  kDigitalExp,
  kDigitalStart,  ///< latency of starting a digital operation
  kMemory,
  kHostLink,     ///< only with the digital side on the host
  kChipLink,     ///< links between chips
  kWrite,        ///< writing cells of tiles that are written anew
  kTileWait,     ///< time only: the tile is busy with another block or token
  kLinkWait,     ///< time only: a link, the buffer or an accumulator is busy
  kDigitalWait,  ///< time only: digital units or memory are busy with another token
  kOrderWait,    ///< time only: an earlier token of the prompt comes first
  kRoundWait,    ///< time only: other tokens need what is in the tiles, or one of them has them written
  kStatic,       ///< energy only
};
inline constexpr std::size_t kNumComponents = static_cast<std::size_t>(Component::kStatic) + 1;
[[nodiscard]] std::string_view name(Component component);

/// A number per component, ns or pJ.
class Breakdown {
 public:
  [[nodiscard]] double& operator[](Component c) { return values_[static_cast<std::size_t>(c)]; }
  [[nodiscard]] double operator[](Component c) const { return values_[static_cast<std::size_t>(c)]; }
  [[nodiscard]] double total() const {
    double sum = 0;
    for (const double value : values_) sum += value;
    return sum;
  }
  Breakdown& operator+=(const Breakdown& other) {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] += other.values_[i];
    return *this;
  }
  friend bool operator==(const Breakdown&, const Breakdown&) = default;

 private:
  std::array<double, kNumComponents> values_{};
};

/// When a token was on the chip.
struct TokenTime {
  std::uint32_t sequence = 0, position = 0;
  bool prompt = false;
  double begin_ns = 0, end_ns = 0;
  friend bool operator==(const TokenTime&, const TokenTime&) = default;
};

/// Share of a layer, or of a step of the plan.
struct Share {
  Breakdown energy_pj;         ///< without static power
  Breakdown critical_path_ns;  ///< sum over tokens
  friend bool operator==(const Share&, const Share&) = default;
};

/// A server of the chip.
enum class Track : std::uint8_t {
  kTile,
  kInputLink,
  kOutputLink,
  kAccumulator,
  kBuffer,
  kDigital,
  kMemory,
  kHostLink,
  kChipLink
};
[[nodiscard]] std::string_view name(Track track);

/// Something that a server did; for timelines.
struct Activity {
  Track track = Track::kTile;
  std::uint32_t index = 0;  ///< of the server
  std::uint32_t step = 0;   ///< of the plan
  std::uint32_t sequence = 0, position = 0;
  double begin_ns = 0, end_ns = 0;
  double energy_pj = 0;
};

/// Activations of all tokens that are alive from a time on; for timelines.
struct BufferLevel {
  double begin_ns = 0;
  std::uint64_t bytes = 0;
};

struct ChipResult {
  double total_ns = 0;
  std::vector<TokenTime> tokens;  ///< in the order of their ends
  Breakdown energy_pj;
  /// Where the time of the tokens went, summed over tokens: for a single token this sums up to its time.
  Breakdown critical_path_ns;
  std::vector<Share> steps;                                                   ///< by step of the plan
  std::vector<Share> layers;                                                  ///< the last one: outside of layers
  std::vector<double> tile_busy_ns, input_link_busy_ns, output_link_busy_ns;  ///< per server
  std::vector<double> chip_link_busy_ns;  ///< per link between chips; empty for one chip
  /// Of the chip where they are busiest.
  double accumulator_busy_ns = 0, buffer_busy_ns = 0, digital_busy_ns = 0, memory_busy_ns = 0;
  double tiles_mm2 = 0, digital_mm2 = 0;  ///< area; 0 if the description has no area constants
  std::uint64_t block_mvms = 0;
  std::uint64_t cell_macs = 0;  ///< of tiles
  std::uint64_t digital_macs = 0;
  std::uint64_t link_bytes = 0;                         ///< moved by input and output links, a broadcast once
  std::uint64_t hop_bytes = 0;                          ///< bytes times the routers that they pass; 0 without a mesh
  std::uint64_t chip_link_bytes = 0;                    ///< over links between chips, counted per link
  std::uint64_t buffer_capacity_bytes = 0;              ///< of the description; 0: unlimited
  std::uint64_t buffer_peak_bytes = 0;                  ///< most activations alive at a time, those in memory included
  std::uint64_t rounds_written = 0, cells_written = 0;  ///< into tiles that are written anew
  std::uint64_t spilled_bytes = 0;         ///< activations moved to memory and back because the buffer was full
  std::vector<Activity> activities;        ///< only if asked for
  std::vector<BufferLevel> buffer_levels;  ///< in the order of time; only if activities are asked for
};

}  // namespace xw::systemc
