// What a chip does against drift: known inputs, and factors from its answers to them. docs/chip-life.md#compensation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xw::cells {

/// Which answers share a factor.
enum class CompensationKind : std::uint8_t {
  kNone,
  kGlobal,  ///< all columns of a tile
  kColumn,  ///< every column of a block by itself
};

inline constexpr std::uint32_t kMostCalibrationVectors = 4096;

/// What a user asks for.
struct Compensation {
  CompensationKind kind = CompensationKind::kNone;
  std::uint32_t vectors = 0;  ///< known inputs of one calibration; 0 only for kNone
  /// Compared with what cells that hold their targets would answer, not with what the chip answered at programming time.
  bool exact = false;
  /// "none", "global:vectors=32": parse_compensation reads it back.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Compensation&, const Compensation&) = default;
};

/// Reads "none", "global", "column", the last two with ":" and, with a comma, "vectors=N" (1..4096; without it 32 and 256) and
/// "reference=exact" or "reference=programmed" (the default). Throws Error{kInvalidArgument}
/// telling what was expected and found.
[[nodiscard]] Compensation parse_compensation(std::string_view text);

/// DAC code of input `row` of a call in known input `vector`: +-amplitude, a Walsh function of the row times a sign of its own, so that 2^k
/// vectors of as many rows are orthogonal and the first few of them look like noise. All inputs at once use the converters as usual
/// activations do, which one input at a time would not.
[[nodiscard]] std::int8_t calibration_code(std::uint32_t vector, std::uint32_t row, int amplitude);

/// Amplitude of known inputs with which a column of `rows` weights stays inside its converter, floor(full_scale / (1.6 g_unit sqrt(rows))):
/// the end of the range is 5 deviations away for weights of usual size (0.3 w_max rms). At least 1, at most dac_max. `full_scale`: of the
/// converter in units of the sum, adc_max * 2^shift / gain.
[[nodiscard]] int calibration_amplitude(double full_scale, std::uint32_t rows, int g_unit, int dac_max);

/// The answers of a column at two times: the sums over the known inputs of the magnitudes of its ADC codes.
struct ColumnAnswers {
  std::uint32_t tile = 0;
  bool used = true;   ///< unused columns have the factor 1 and count for nothing
  double weight = 1;  ///< of one ADC code in units that all columns of a tile share: 2^shift / gain
  std::uint64_t reference = 0, now = 0;
};

/// Factors that make a chip's outputs as large as they were.
struct CompensationFactors {
  std::vector<double> factors;  ///< one for each of the answers
  std::uint64_t too_small =
      0;                      ///< columns whose mean answer is below one ADC code, which take the factor of their tile
  std::uint64_t limited = 0;  ///< factors that would be outside [1/kMostFactor, kMostFactor]
  static constexpr double kMostFactor = 8.0;
};

/// aihwkit's GlobalDriftCompensation (R0 / R, R the mean magnitude of a tile's answers) or PerColumnDriftCompensation (the same of a
/// column), for answers of `vectors` known inputs. Without any answer the factor is 1.
[[nodiscard]] CompensationFactors compensation_factors(CompensationKind kind, std::span<const ColumnAnswers> answers,
                                                       std::uint32_t vectors);

/// Gains of a block's columns with a common shift.
struct ConverterGains {
  std::vector<std::uint16_t> gains;
  std::uint32_t shift = 0;
  std::uint64_t limited = 0;  ///< gains beyond what the converter has
};

/// gain * factor / 2^shift for every column of a block: the shift is the largest, at most `shift`, with which all gains fit into 16 bits.
[[nodiscard]] ConverterGains scaled_gains(std::uint16_t gain, std::uint32_t shift, std::span<const double> factors);

}  // namespace xw::cells
