// Speed of the tile-MVM pipeline for a 4096 x 4096 matrix on one core, beside OpenBLAS sgemm of the same shape.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <algorithm>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "models/analog/numerics.hpp"
#include "models/cells/cell_kernels.hpp"
#include "models/cells/cell_model.hpp"

#ifdef XW_HAVE_OPENBLAS
#include "tests/benchmark/openblas_core.hpp"
#endif

namespace {

namespace analog = xw::analog;
namespace cells = xw::cells;

constexpr std::size_t kSize = 4096;  // matrix [kSize][kSize]
constexpr std::size_t kTile = 512;
constexpr std::size_t kGrid = kSize / kTile;
constexpr std::uint32_t kLanes = 64;

/// 64 tiles of 512 x 512: 16 MiB of cells.
struct Matrix {
  std::vector<std::int8_t> cells = std::vector<std::int8_t>(kSize * kSize);
  std::vector<std::uint16_t> tables = std::vector<std::uint16_t>(2 * kTile);
  std::vector<analog::BlockView> blocks;  // [row tile][column tile]
  std::vector<analog::PackedCells> packed =
      std::vector<analog::PackedCells>(kGrid * kGrid);  // as the functional device

  explicit Matrix(bool noise) {
    std::mt19937 rng(1);
    std::normal_distribution<float> cell(0.0F, 32.0F);
    for (auto& g : cells) g = static_cast<std::int8_t>(std::clamp(cell(rng), -127.0F, 127.0F));
    const analog::AdcSetting adc = analog::ideal_adc(14.0, 127, 96, 8);
    for (std::size_t col = 0; col < kTile; ++col) {
      tables[2 * col] = adc.gain;
      tables[2 * col + 1] = 4096;
    }
    for (std::size_t tile = 0; tile < kGrid * kGrid; ++tile) {
      analog::BlockView block;
      block.rows = block.cols = kTile;
      block.lanes = kLanes;
      block.tile_uid = static_cast<std::uint32_t>(tile);
      block.adc_shift = adc.shift;
      block.adc_max = 127;
      block.read_sigma_q = noise ? analog::quantize_read_sigma(400.0) : 0;
      block.column_tables = tables.data();
      block.cells = cells.data() + tile * kTile * kTile;
      packed[tile] = analog::PackedCells(block);
      block.packed = &packed[tile];
      blocks.push_back(block);
    }
  }
};

std::vector<float> activations(std::size_t count) {
  std::mt19937 rng(2);
  std::normal_distribution<float> value;
  std::vector<float> x(count);
  for (auto& v : x) v = value(rng);
  return x;
}

/// fp32 activations -> DAC -> 64 tiles -> accumulated int32.
void pipeline(benchmark::State& state, const std::string& kernel, bool noise) {
  analog::select_kernel(kernel);
  const auto batch_size = static_cast<std::size_t>(state.range(0));
  const Matrix matrix(noise);
  const std::vector<float> x = activations(batch_size * kSize);
  std::vector<std::int8_t> codes(x.size());
  std::vector<std::int32_t> y(x.size());
  for (auto _ : state) {
    bool finite = analog::dac_convert(x, 4.0F, 127, codes);
    benchmark::DoNotOptimize(finite);
    for (std::size_t col = 0; col < kGrid; ++col) {
      for (std::size_t row = 0; row < kGrid; ++row) {
        analog::MvmBatch batch;
        batch.x = codes.data() + row * kTile;
        batch.x_stride = kSize;
        batch.y = y.data() + col * kTile;
        batch.y_stride = kSize;
        batch.num_vectors = static_cast<std::uint32_t>(batch_size);
        batch.chip_seed = 1;
        batch.accumulate = row != 0;
        benchmark::DoNotOptimize(analog::tile_mvm(matrix.blocks[col * kGrid + row], batch));
      }
    }
    benchmark::ClobberMemory();
  }
  state.counters["GMAC/s"] = benchmark::Counter(
      static_cast<double>(kSize * kSize * batch_size) * 1e-9 * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate);
}

#ifdef XW_HAVE_OPENBLAS
void sgemm(benchmark::State& state) {
  openblas_set_num_threads(1);
  const auto batch_size = static_cast<int>(state.range(0));
  const auto size = static_cast<int>(kSize);
  const std::vector<float> w = activations(kSize * kSize);
  const std::vector<float> x = activations(static_cast<std::size_t>(batch_size) * kSize);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    if (batch_size == 1) {
      cblas_sgemv(CblasRowMajor, CblasNoTrans, size, size, 1.0F, w.data(), size, x.data(), 1, 0.0F, y.data(), 1);
    } else {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, batch_size, size, size, 1.0F, x.data(), size, w.data(), size,
                  0.0F, y.data(), size);
    }
    benchmark::ClobberMemory();
  }
  state.counters["GMAC/s"] = benchmark::Counter(static_cast<double>(kSize * kSize) * static_cast<double>(batch_size) *
                                                    1e-9 * static_cast<double>(state.iterations()),
                                                benchmark::Counter::kIsRate);
}
#endif

/// One core programs a row of 4096 targets at a time.
void programming(benchmark::State& state, const std::string& model_name, double seconds,
                 const cells::CellKernels& kernels) {
  cells::select_cell_kernels(kernels);
  const auto model =
      cells::make_programming_model({.noise = model_name, .chip_seed = 1, .g_unit = 96, .seconds = seconds});
  std::mt19937 rng(3);
  std::normal_distribution<float> weight(0.0F, 0.3F);
  std::vector<std::int16_t> targets(kSize);
  for (auto& t : targets) t = static_cast<std::int16_t>(std::clamp(weight(rng), -1.0F, 1.0F) * 32767.0F);
  std::vector<std::int8_t> cells(kSize);
  std::uint32_t row = 0;
  for (auto _ : state) {
    model->program_row(7, row++, 0, std::span<const std::int16_t>(targets), 32767, cells);
    benchmark::ClobberMemory();
  }
  state.counters["Mcells/s"] = benchmark::Counter(
      static_cast<double>(kSize) * 1e-6 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void register_benchmarks() {
  for (const std::string& kernel : analog::available_kernels()) {
    for (const bool noise : {false, true}) {
      const std::string name = "pipeline/" + kernel + (noise ? "/noise" : "/quiet");
      benchmark::RegisterBenchmark(name.c_str(), pipeline, kernel, noise)
          ->Arg(1)
          ->Arg(4)
          ->Arg(16)
          ->Arg(128)
          ->Unit(benchmark::kMillisecond);
    }
  }
#ifdef XW_HAVE_OPENBLAS
  benchmark::RegisterBenchmark("openblas_sgemm", sgemm)
      ->Arg(1)
      ->Arg(4)
      ->Arg(16)
      ->Arg(128)
      ->Unit(benchmark::kMillisecond);
#endif
  for (const cells::CellModel& model : cells::cell_models()) {
    const std::string name(model.name);
    for (const cells::CellKernels* kernels : cells::available_cell_kernels()) {
      for (const double seconds : model.drifts ? std::vector<double>{0, 86400} : std::vector<double>{0}) {
        const std::string row = "programming/" + name + (seconds > 0 ? "/aged" : "/new") + "/" + kernels->name;
        benchmark::RegisterBenchmark(row.c_str(), programming, name, seconds, std::cref(*kernels));
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
#ifdef XW_HAVE_OPENBLAS
  benchmark::AddCustomContext("OpenBLAS kernels", xw::benchmarks::use_openblas_kernels_of_this_processor(argv));
#endif
  benchmark::Initialize(&argc, argv);
  register_benchmarks();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
