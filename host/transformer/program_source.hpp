// The host tensors of a program.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compiler/program/program.hpp"
#include "host/transformer/model.hpp"

namespace xw::transformer {

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
