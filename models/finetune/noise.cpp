// Noise on weights while training.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/finetune/noise.hpp"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <vector>

#include "models/cells/cell_error.hpp"

namespace xw::finetune {
namespace {

constexpr std::size_t kTablePoints = 256;
constexpr std::size_t kCellsPerPoint = 4096;
constexpr std::int64_t kPoolSize = std::int64_t{1} << 23;
constexpr std::int64_t kPiece = 4096;  ///< deviates that come from one place of the pool

}  // namespace

torch::Tensor cell_noise_table(const std::string& cells, double seconds, bool compensated, double scale,
                               const torch::Device& device) {
  cells::ProgrammingOptions options;
  options.noise = cells;
  options.seconds = seconds;
  const double gain = compensated ? cells::compensation_gain(options) : 1;
  std::vector<float> table = cells::mean_square_errors(options, kTablePoints, kCellsPerPoint, gain);
  for (float& value : table) value = static_cast<float>(scale * std::sqrt(static_cast<double>(value)));
  return torch::tensor(table).to(device);
}

NoiseSource::NoiseSource(const torch::Device& device) : device_(device) {
  generator_ =
      device.is_cpu() ? at::detail::createCPUGenerator() : at::globalContext().defaultGenerator(device).clone();
  seed(0);
}

void NoiseSource::seed(std::uint64_t seed) {
  const std::lock_guard lock(generator_.mutex());
  generator_.set_current_seed(seed);
}

torch::Tensor NoiseSource::normal(c10::IntArrayRef shape, torch::ScalarType type) {
  if (fixed_) return fixed_->to(type);
  if (!device_.is_cpu()) {
    return at::empty(shape, torch::dtype(type).device(device_)).normal_(0, 1, generator_);
  }
  if (!pool_.defined()) {
    at::Generator generator = at::detail::createCPUGenerator(0x9e3779b97f4a7c15U);
    pool_ = at::empty({kPoolSize}, torch::kFloat32).normal_(0, 1, generator);
  }
  torch::Tensor deviates = at::empty(shape, torch::kFloat32);
  const std::int64_t count = deviates.numel();
  const torch::Tensor places =
      at::randint(kPoolSize - kPiece, {(count + kPiece - 1) / kPiece}, generator_, torch::dtype(torch::kInt64));
  const float* pool = pool_.const_data_ptr<float>();
  const auto* place = places.const_data_ptr<std::int64_t>();
  auto* target = deviates.data_ptr<float>();
  for (std::int64_t begin = 0; begin < count; begin += kPiece, ++place) {
    std::memcpy(target + begin, pool + *place,
                sizeof(float) * static_cast<std::size_t>(std::min(kPiece, count - begin)));
  }
  return deviates.to(type);
}

}  // namespace xw::finetune
