// The host tensors of a program.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/program_source.hpp"

#include <cstring>

#include "arch/support/error.hpp"
#include "arch/support/half.hpp"

namespace xw::transformer {

ProgramSource::ProgramSource(std::shared_ptr<const program::Program> program) : program_(std::move(program)) {}

const program::Constant& ProgramSource::find(const std::string& tensor) const {
  const auto found = program_->constants().find(tensor);
  if (found == program_->constants().end()) {
    throw Error(ErrorCode::kFormat, program_->path() + ": has no constant '" + tensor + "'");
  }
  return found->second;
}

std::vector<std::uint64_t> ProgramSource::shape(const std::string& tensor) const {
  return find(tensor).shape;
}

void ProgramSource::read_rows(const std::string& tensor, std::uint64_t begin, std::uint64_t end,
                              std::span<float> dst) const {
  const program::Constant& constant = find(tensor);
  const std::uint64_t rows = constant.shape.size() < 2 ? 1 : constant.shape[0];
  const std::size_t bytes = constant.type == program::ConstantType::kF32 ? 4 : 2;
  const std::uint64_t width = rows == 0 ? 0 : constant.data.size() / bytes / rows;
  if (begin > end || end > rows || dst.size() != (end - begin) * width) {
    throw Error(ErrorCode::kInvalidArgument, program_->path() + ": rows " + std::to_string(begin) + " to " +
                                                 std::to_string(end) + " of constant '" + tensor + "' (" +
                                                 std::to_string(rows) + " rows of " + std::to_string(width) +
                                                 ") into " + std::to_string(dst.size()) + " elements");
  }
  if (dst.empty()) return;
  const std::byte* source = constant.data.data() + begin * width * bytes;
  if (constant.type == program::ConstantType::kF32) {
    std::memcpy(dst.data(), source, dst.size() * sizeof(float));
    return;
  }
  const bool is_half = constant.type == program::ConstantType::kF16;
  for (std::size_t i = 0; i < dst.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, source + 2 * i, sizeof bits);
    dst[i] = is_half ? half_to_float(bits) : bfloat16_to_float(bits);
  }
}

}  // namespace xw::transformer
