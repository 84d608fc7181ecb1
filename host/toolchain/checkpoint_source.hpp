// The tensors of a checkpoint, for models that run on this host.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/checkpoint/checkpoint.hpp"
#include "host/transformer/model.hpp"

namespace xw::toolchain {

/// Tensors of a checkpoint under their stored names.
class CheckpointSource : public transformer::TensorSource {
 public:
  explicit CheckpointSource(std::shared_ptr<const checkpoint::Checkpoint> checkpoint);
  [[nodiscard]] std::vector<std::uint64_t> shape(const std::string& tensor) const override;
  void read_rows(const std::string& tensor, std::uint64_t begin, std::uint64_t end,
                 std::span<float> dst) const override;
  void release(const std::string& tensor) const override;

 private:
  [[nodiscard]] const checkpoint::Tensor& find(const std::string& tensor) const;
  std::shared_ptr<const checkpoint::Checkpoint> checkpoint_;
};

}  // namespace xw::toolchain
