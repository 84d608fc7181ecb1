// The tensors of a checkpoint.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/checkpoint_source.hpp"

#include <utility>

#include "arch/support/error.hpp"

namespace xw::toolchain {

CheckpointSource::CheckpointSource(std::shared_ptr<const checkpoint::Checkpoint> checkpoint)
    : checkpoint_(std::move(checkpoint)) {}

const checkpoint::Tensor& CheckpointSource::find(const std::string& tensor) const {
  const auto found = checkpoint_->tensors().find(tensor);
  if (found == checkpoint_->tensors().end()) {
    throw Error(ErrorCode::kFormat, checkpoint_->path().string() + ": has no tensor '" + tensor + "'");
  }
  return found->second;
}

std::vector<std::uint64_t> CheckpointSource::shape(const std::string& tensor) const {
  return find(tensor).shape;
}

void CheckpointSource::read_rows(const std::string& tensor, std::uint64_t begin, std::uint64_t end,
                                 std::span<float> dst) const {
  checkpoint::read_rows(find(tensor), begin, end, dst);
}

void CheckpointSource::release(const std::string& tensor) const {
  checkpoint_->release(find(tensor));
}

}  // namespace xw::toolchain
