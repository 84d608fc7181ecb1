// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/weight_bounds.hpp"

#include <cmath>
#include <memory>
#include <string_view>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"

namespace xw::checkpoint {
namespace {

constexpr std::string_view kSuffix = ".learnable_weight_clip";

std::shared_ptr<const WeightBounds> read_bounds(const Tensor& stored, const Tensor& weight) {
  const std::string what = stored.location + ": tensor \"" + printable(stored.name) + "\"";
  const bool fits = weight.shape.size() == 2 && stored.shape.size() == 2 && stored.shape[1] == weight.shape[0] &&
                    stored.shape[0] >= 1 && stored.shape[0] <= weight.shape[1] && weight.shape[1] <= UINT32_MAX;
  if (!fits) {
    throw Error(ErrorCode::kShapeMismatch, what + ": expected [tiles][outputs] for the matrix \"" +
                                               printable(weight.name) + "\", found another shape");
  }
  WeightBounds bounds;
  bounds.begins = tile_begins(static_cast<std::uint32_t>(weight.shape[1]), static_cast<std::uint32_t>(stored.shape[0]));
  bounds.values = read_all(stored);
  for (const float value : bounds.values) {
    if (std::isfinite(value) && value > 0) continue;
    throw Error(std::isfinite(value) ? ErrorCode::kFormat : ErrorCode::kNotFinite,
                what + ": expected positive finite bounds, found " + std::to_string(value));
  }
  return std::make_shared<const WeightBounds>(std::move(bounds));
}

}  // namespace

void attach_weight_bounds(std::map<std::string, Tensor>& tensors) {
  for (const auto& [name, stored] : tensors) {
    if (!name.ends_with(kSuffix)) continue;
    const auto weight = tensors.find(name.substr(0, name.size() - kSuffix.size()) + ".weight");
    if (weight == tensors.end()) {
      throw Error(ErrorCode::kShapeMismatch, stored.location + ": tensor \"" + printable(name) +
                                                 "\": expected a matrix that it bounds, found none");
    }
    weight->second.bounds = read_bounds(stored, weight->second);
  }
}

}  // namespace xw::checkpoint
