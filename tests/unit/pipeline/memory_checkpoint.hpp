// A checkpoint in memory.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "compiler/checkpoint/checkpoint.hpp"

namespace xw::test {

class MemoryCheckpoint : public checkpoint::Checkpoint {
 public:
  MemoryCheckpoint() { config_.name = "memory model"; }

  template <typename T>
  void add(const std::string& name, checkpoint::Dtype dtype, std::vector<std::uint64_t> shape,
           const std::vector<T>& values) {
    std::vector<std::byte>& bytes = storage_[name];
    bytes.resize(values.size() * sizeof(T));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    tensors_[name] = {name, dtype, std::move(shape), bytes, "memory@" + name};
  }
  void add(const std::string& name, std::vector<std::uint64_t> shape, const std::vector<float>& values) {
    add(name, checkpoint::Dtype::kF32, std::move(shape), values);
  }
  /// fp32 values as bf16 (cut off).
  void add_bf16(const std::string& name, std::vector<std::uint64_t> shape, const std::vector<float>& values) {
    std::vector<std::uint16_t> halves;
    for (const float value : values)
      halves.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
    add(name, checkpoint::Dtype::kBF16, std::move(shape), halves);
  }

  const checkpoint::ModelConfig& config() const override { return config_; }
  const std::map<std::string, checkpoint::Tensor>& tensors() const override { return tensors_; }
  std::filesystem::path path() const override { return "/somewhere/memory.bin"; }
  std::string format() const override { return "memory"; }
  std::optional<ir::TensorRef> resolve(const std::string& name) const override {
    return tensors_.contains(name) ? std::optional(ir::TensorRef{name}) : std::nullopt;
  }
  void release(const checkpoint::Tensor& tensor) const override { released.insert(tensor.name); }

  const checkpoint::AnalogTraining* training() const override { return has_training ? &analog_training : nullptr; }
  /// Bounds of a matrix, [tile][output].
  void bound(const std::string& name, std::uint32_t tiles, std::vector<float> values) {
    checkpoint::Tensor& tensor = tensors_.at(name);
    tensor.bounds = std::make_shared<const checkpoint::WeightBounds>(checkpoint::WeightBounds{
        checkpoint::tile_begins(static_cast<std::uint32_t>(tensor.shape[1]), tiles), std::move(values)});
  }

  mutable std::set<std::string> released;
  bool has_training = false;
  checkpoint::AnalogTraining analog_training;

 private:
  checkpoint::ModelConfig config_;
  std::map<std::string, std::vector<std::byte>> storage_;
  std::map<std::string, checkpoint::Tensor> tensors_;
};

inline std::vector<float> random_weights(std::uint32_t seed, std::size_t count) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 0.05F);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

}  // namespace xw::test
