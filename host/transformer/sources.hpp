// Where a model's host tensors come from: a checkpoint or a program.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/program/program.hpp"
#include "host/transformer/model.hpp"

namespace xw::transformer {

/// Tensors of a checkpoint under their stored names.
class CheckpointSource : public TensorSource {
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

/// Constants of a program.
class ProgramSource : public TensorSource {
 public:
  explicit ProgramSource(std::shared_ptr<const program::Program> program);
  [[nodiscard]] std::vector<std::uint64_t> shape(const std::string& tensor) const override;
  void read_rows(const std::string& tensor, std::uint64_t begin, std::uint64_t end,
                 std::span<float> dst) const override;

 private:
  [[nodiscard]] const program::Constant& find(const std::string& tensor) const;
  std::shared_ptr<const program::Program> program_;
};

}  // namespace xw::transformer
