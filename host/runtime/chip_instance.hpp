// A chip instance: one program, programmed with one seed and noise model, loaded on one device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/program/program.hpp"
#include "host/device/device.hpp"
#include "host/runtime/placement.hpp"
#include "models/cells/converter.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::runtime {

/// What makes one chip different from another.
struct ChipOptions {
  std::uint32_t chip_seed = 0;
  /// A model of models/cells, with parameters if wanted: "gaussian:gamma=0.05"; empty: the chip description's.
  std::string noise;
  double read_sigma = -1;   ///< read noise in units of beta * w_max; negative: the chip description's; 0: off
  double seconds = 0;       ///< time since programming; above 0 only with models with drift
  bool checksum_y = false;  ///< keep CallStats::y_crc32
  /// What the chip does against drift, as cells::parse_compensation reads it: "none", "global", "column:vectors=512".
  std::string compensation = "none";
  /// Seconds between calibrations: the last one before `seconds` counts. 0: a calibration at `seconds` itself.
  double recalibrate = 0;
  cells::ConverterSpread adc_mismatch{};  ///< how much the converters differ, one per column of the chip
  std::string faults = "none";            ///< what is broken, as cells::parse_faults reads it
  std::string spares = "none";            ///< what may take its place, as parse_spares reads it
};

/// What the calibrations of a chip instance took and found.
struct CalibrationStats {
  std::uint64_t runs = 0;     ///< calibrations so far, that at programming time included
  std::uint32_t vectors = 0;  ///< known inputs of each
  std::uint32_t offset_vectors =
      0;  ///< inputs, each known one and its negative, with which offsets of converters were measured; 0: not at all
  std::uint64_t columns = 0;  ///< of all blocks
  std::uint64_t too_small =
      0;  ///< columns of the last one whose answers say too little: they have the factor of their tile
  std::uint64_t limited = 0;  ///< factors and gains of the last one that are at their limits
  device::RunStats device;    ///< summed counters of the device, not in CallStats
  double host_seconds = 0;    ///< measured
};

/// Totals of the runs of one call.
struct CallStats {
  std::uint64_t runs = 0, vectors = 0;
  double device_seconds = 0;  ///< measured host time inside Device::run
  device::RunStats device;    ///< summed counters
  std::uint32_t y_crc32 = 0;  ///< of all outputs in Y, if ChipOptions::checksum_y: equal on every device
};

/// Programs all tiles (in parallel, progress shown), loads images and code, and runs calls. Not thread safe.
class ChipInstance {
 public:
  /// With compensation the chip is calibrated at programming time, and again at its age: known inputs run on the device, and the gains of
  /// its converters are multiplied by factors, docs/chip-life.md. Converters with offsets are corrected before, at programming time. Throws Error{kContractMismatch} when program, device or emulator
  /// parameters differ, Error{kFormat} for corrupt targets, Error{kCapacity} when device memory does not suffice,
  /// Error{kInvalidArgument} for options that mean nothing, and for compensation on a device without values, Error{kUnsupported} for age, compensation
  /// or faults of a program whose tiles are written anew.
  ChipInstance(std::shared_ptr<const program::Program> program, device::Device& device, const ChipOptions& options,
               ThreadPool& pool);
  ~ChipInstance();

  [[nodiscard]] const program::Program& program() const;
  [[nodiscard]] device::Device& device();
  [[nodiscard]] const device::Device& device() const;
  /// The options with every default resolved.
  [[nodiscard]] const ChipOptions& options() const;

  /// DAC, device, digital scaling: y[v][out] for every matrix of the call, written to `outputs[k]` ([num_vectors][out_features],
  /// k in the order of CallInfo::matrices; bias is added here). x is [num_vectors][in_features] fp32. Batches larger than
  /// max_batch are split. vector_index of vector v is vector_base + v. Of a call with copies (CallInfo::copy_of) the vector of index i goes to copy
  /// i % n as its vector i / n; what it counts is the call's.
  /// Throws Error{kNotFinite} naming the call if x has NaN or infinity.
  void run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors, std::uint32_t vector_base,
                std::span<const std::span<float>> outputs);
  /// Integer side only, for conformance: codes [n][in_features] -> Y words [n][y words].
  [[nodiscard]] std::vector<std::int32_t> run_codes(std::uint32_t call, std::span<const std::int8_t> codes,
                                                    std::uint32_t num_vectors, std::uint32_t vector_base);

  /// The same chip at another time since programming: what was programmed and how it drifts stay, read noise is new. Nothing is
  /// programmed. Throws Error{kInvalidArgument} for a time above 0 if the model does not drift, and for an impossible one, Error{kUnsupported} for
  /// a program whose tiles are written anew; then the chip is as it was.
  void age(double seconds);

  /// Nothing without compensation.
  [[nodiscard]] const CalibrationStats* calibration() const;
  /// Nothing for a chip without faults.
  [[nodiscard]] const FaultReport* faults() const;
  /// How often cells of every tile of the chip have been written: once each where weights are, those of tiles that take turns whenever a call needs
  /// others than are there. Ageing writes nothing.
  [[nodiscard]] const std::map<std::uint32_t, std::uint64_t>& cell_writes() const;
  /// How often every tile of the chip has been written: the most that a cell of it can have been.
  [[nodiscard]] const std::map<std::uint32_t, std::uint64_t>& tile_writes() const;
  [[nodiscard]] bool drifts() const;  ///< whether age() may be given a time above 0

  [[nodiscard]] const std::vector<CallStats>& stats() const;  ///< per call
  void reset_stats();
  /// Measured host time of programming and of age() so far.
  [[nodiscard]] double programming_seconds() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::runtime
