// The host side of a call: fp32 activations to DAC codes, and Y words to fp32.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/call_conversion.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>

#include "arch/support/error.hpp"
#include "arch/support/half.hpp"
#include "arch/support/parallel.hpp"
#include "models/analog/numerics.hpp"

namespace xw::runtime {
namespace {

/// Numbers to convert that are worth waking other threads for.
constexpr std::size_t kParallelNumbers = 32768;

[[nodiscard]] std::vector<float> to_floats(const program::Constant& constant, std::uint32_t count,
                                           const std::string& what) {
  const std::size_t width = constant.type == program::ConstantType::kF32 ? 4 : 2;
  if (constant.data.size() != count * width) {
    throw Error(ErrorCode::kFormat, what + ": expected " + std::to_string(count) + " numbers, found " +
                                        std::to_string(constant.data.size() / width));
  }
  std::vector<float> values(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (constant.type == program::ConstantType::kF32) {
      std::memcpy(&values[i], constant.data.data() + std::size_t{4} * i, 4);
    } else {
      std::uint16_t half = 0;
      std::memcpy(&half, constant.data.data() + std::size_t{2} * i, 2);
      values[i] = constant.type == program::ConstantType::kF16 ? half_to_float(half) : bfloat16_to_float(half);
    }
  }
  return values;
}

/// body(v) for every vector, on several threads if there is enough to do.
void for_each_vector(ThreadPool& pool, std::uint32_t num_vectors, std::size_t numbers_per_vector,
                     const std::function<void(std::uint32_t)>& body) {
  const auto range = [&](std::size_t begin, std::size_t end) {
    for (std::size_t v = begin; v < end; ++v) body(static_cast<std::uint32_t>(v));
  };
  if (num_vectors > 1 && num_vectors * numbers_per_vector >= kParallelNumbers) {
    pool.for_ranges(num_vectors, 1, range);
  } else {
    range(0, num_vectors);
  }
}

}  // namespace

CallConversion::CallConversion(const program::Program& program, std::uint32_t call, int dac_max)
    : call_(&program.manifest().calls.at(call)), ranges_(nullptr), dac_max_(dac_max) {
  const program::Manifest& manifest = program.manifest();
  const std::string where = program.path() + ": call \"" + call_->name + "\"";
  for (const std::uint32_t index : call_->matrices) {
    const program::MatrixInfo& matrix = manifest.matrices.at(index);
    if (ranges_ == nullptr) ranges_ = &matrix.input_ranges;
    if (matrix.input_ranges != *ranges_) {
      throw Error(ErrorCode::kFormat, where + ": input ranges of \"" + matrix.name + "\" differ from those of \"" +
                                          manifest.matrices[call_->matrices[0]].name + "\"");
    }
    out_features_.push_back(matrix.out_features);
    units_.push_back(program::output_units(program, matrix));
    biases_.emplace_back();
    if (matrix.bias.empty()) continue;
    const auto bias = program.constants().find(matrix.bias);
    if (bias == program.constants().end()) {
      throw Error(ErrorCode::kFormat, where + ": no constant \"" + matrix.bias + "\"");
    }
    biases_.back() = to_floats(bias->second, matrix.out_features, where + ": bias \"" + matrix.bias + "\"");
  }
  for (const program::OutputSegment& output : call_->outputs) {
    const auto place = std::find(call_->matrices.begin(), call_->matrices.end(), output.matrix);
    const auto position = static_cast<std::size_t>(place - call_->matrices.begin());
    segments_.push_back({static_cast<std::uint32_t>(position), output.out_begin, output.y_word, output.length});
  }
}

void CallConversion::check_shapes(std::span<const float> x, std::uint32_t num_vectors,
                                  std::span<const std::span<float>> outputs) const {
  const std::string where = "call \"" + call_->name + "\": ";
  const auto check = [&](const std::string& what, std::size_t found, std::size_t expected) {
    if (found == expected) return;
    throw Error(ErrorCode::kShapeMismatch,
                where + what + ": expected " + std::to_string(expected) + ", found " + std::to_string(found));
  };
  check("numbers of x", x.size(), std::size_t{num_vectors} * call_->in_features);
  check("outputs", outputs.size(), out_features_.size());
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    check("numbers of output " + std::to_string(k), outputs[k].size(), std::size_t{num_vectors} * out_features_[k]);
  }
}

void CallConversion::to_codes(std::span<const float> x, std::uint32_t num_vectors, std::int8_t* codes,
                              std::size_t stride, std::uint32_t first_vector, ThreadPool& pool) const {
  const std::size_t in_features = call_->in_features;
  std::atomic<bool> finite = true;
  for_each_vector(pool, num_vectors, in_features, [&](std::uint32_t v) {
    for (const program::InputRange& range : *ranges_) {
      const std::size_t length = range.end - range.begin;
      const bool good = analog::dac_convert(x.subspan(v * in_features + range.begin, length), range.beta, dac_max_,
                                            {codes + v * stride + range.begin, length});
      if (!good) finite = false;
    }
    std::memset(codes + v * stride + in_features, 0, stride - in_features);
  });
  if (finite) return;
  const auto bad = std::find_if(x.begin(), x.end(), [](float value) { return !std::isfinite(value); });
  const auto index = static_cast<std::size_t>(bad - x.begin());
  throw Error(ErrorCode::kNotFinite, "call \"" + call_->name + "\": input " + std::to_string(index % in_features) +
                                         " of vector " + std::to_string(first_vector + index / in_features) + " is " +
                                         std::to_string(*bad));
}

void CallConversion::to_reals(const std::int32_t* words, std::size_t stride, std::uint32_t num_vectors,
                              std::uint32_t first_vector, std::span<const std::span<float>> outputs,
                              ThreadPool& pool) const {
  for_each_vector(pool, num_vectors, stride,
                  [&](std::uint32_t v) { convert_row(words + v * stride, first_vector + v, outputs); });
}

void CallConversion::convert_row(const std::int32_t* words, std::uint32_t vector,
                                 std::span<const std::span<float>> outputs) const {
  for (const Segment& segment : segments_) {
    const std::int32_t* y = words + segment.y_word;
    float* out =
        outputs[segment.matrix].data() + std::size_t{vector} * out_features_[segment.matrix] + segment.out_begin;
    const float* unit = units_[segment.matrix].data() + segment.out_begin;
    if (biases_[segment.matrix].empty()) {
      for (std::uint32_t i = 0; i < segment.length; ++i) out[i] = static_cast<float>(y[i]) * unit[i];
    } else {
      const float* bias = biases_[segment.matrix].data() + segment.out_begin;
      for (std::uint32_t i = 0; i < segment.length; ++i) out[i] = static_cast<float>(y[i]) * unit[i] + bias[i];
    }
  }
}

}  // namespace xw::runtime
