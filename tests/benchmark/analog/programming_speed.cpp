// How fast every cell model programs one given matrix, on one core: `programming_speed TARGETS COLUMNS [REPEATS]`.
// scripts/programming_speed.py runs it beside aihwkit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "models/cells/cell_kernels.hpp"
#include "models/cells/cell_model.hpp"
#include "models/cells/programming.hpp"

namespace xw {
namespace {

constexpr int kFullScale = 32767;
constexpr double kDay = 86400;

double cpu_seconds() {
  std::timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::size_t positive(const char* text, const char* what) {
  std::size_t value = 0;
  const char* end = text + std::strlen(text);
  if (std::from_chars(text, end, value).ptr != end || value == 0) {
    throw Error(ErrorCode::kInvalidArgument, std::string("expected ") + what + " of at least 1, found '" + text + "'");
  }
  return value;
}

/// The file's int16 targets, in the byte order of this processor.
std::vector<std::int16_t> read_targets(const char* path, std::size_t columns) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  std::vector<std::int16_t> targets(bytes.size() / sizeof(std::int16_t));
  if (bytes.size() % sizeof(std::int16_t) != 0 || targets.empty() || targets.size() % columns != 0) {
    throw Error(ErrorCode::kFormat, std::string(path) + ": expected rows of " + std::to_string(columns) +
                                        " 16-bit targets, found " + std::to_string(bytes.size()) + " bytes");
  }
  std::memcpy(targets.data(), bytes.data(), bytes.size());
  return targets;
}

/// Million cells per second of CPU time, the best of `repeats`.
double speed(const cells::ProgrammingModel& model, const std::vector<std::int16_t>& targets, std::size_t columns,
             std::size_t repeats) {
  std::vector<std::int8_t> codes(columns);
  double best = 0;
  for (std::size_t repeat = 0; repeat < repeats; ++repeat) {
    const double start = cpu_seconds();
    for (std::size_t first = 0, row = 0; first < targets.size(); first += columns, ++row) {
      model.program_row(1, static_cast<std::uint32_t>(row), 0, std::span(targets).subspan(first, columns), kFullScale,
                        codes);
    }
    best = std::max(best, 1e-6 * static_cast<double>(targets.size()) / (cpu_seconds() - start));
  }
  return best;
}

void measure(int argc, char** argv) {
  if (argc < 3 || argc > 4)
    throw Error(ErrorCode::kInvalidArgument, "usage: programming_speed TARGETS COLUMNS [REPEATS]");
  const std::size_t columns = positive(argv[2], "columns");
  const std::vector<std::int16_t> targets = read_targets(argv[1], columns);
  const std::size_t repeats = argc > 3 ? positive(argv[3], "repeats") : 5;
  std::printf("model,seconds,kernels,mcells_per_s\n");
  for (const cells::CellModel& row : cells::cell_models()) {
    // Without statistics "custom" would have nothing to draw.
    const std::string noise =
        row.is_custom ? "custom:programming=0.01/0.08,drift=0.05,drift-spread=0.01,read=0.02" : std::string(row.name);
    for (const double seconds : row.drifts ? std::vector<double>{0, kDay} : std::vector<double>{0}) {
      const auto model =
          cells::make_programming_model({.noise = noise, .chip_seed = 1, .g_unit = 96, .seconds = seconds});
      for (const cells::CellKernels* kernels : cells::available_cell_kernels()) {
        cells::select_cell_kernels(*kernels);
        std::printf("%s,%.0f,%s,%.1f\n", std::string(row.name).c_str(), seconds, kernels->name,
                    speed(*model, targets, columns, repeats));
      }
    }
  }
}

}  // namespace
}  // namespace xw

int main(int argc, char** argv) {
  try {
    xw::measure(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "programming_speed: %s\n", error.what());
    return 1;
  }
  return 0;
}
