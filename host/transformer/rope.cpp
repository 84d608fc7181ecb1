// Rotary position embedding: frequencies, their scaling for long contexts, and rotation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/rope.hpp"

#include <cmath>
#include <numbers>
#include <utility>

#include "arch/support/error.hpp"

namespace xw::transformer {
namespace {

const std::vector<double>& attr_list(const ir::Node& node, const std::string& key) {
  const auto found = node.attributes.find(key);
  if (found == node.attributes.end() || !std::holds_alternative<std::vector<double>>(found->second)) {
    throw Error(ErrorCode::kFormat, "attention: attribute '" + key + "' must be a list of numbers");
  }
  return std::get<std::vector<double>>(found->second);
}

void require(bool condition, const std::string& message) {
  if (!condition) throw Error(ErrorCode::kFormat, "attention: " + message);
}

}  // namespace

RopeConfig rope_config(const ir::Node& attention) {
  RopeConfig config;
  const std::string& style = ir::attr_string(attention, "rope_style");
  if (style == "none") return config;
  require(style == "half" || style == "interleaved",
          "rope_style must be half, interleaved or none, found '" + style + "'");
  config.style = style == "half" ? RopeStyle::kHalf : RopeStyle::kInterleaved;
  const std::int64_t dims = ir::attr_int(attention, "rope_dims");
  const std::int64_t head_dim = ir::attr_int(attention, "head_dim");
  require(
      dims > 0 && dims <= head_dim && dims % 2 == 0,
      "rope_dims must be even and at most head_dim " + std::to_string(head_dim) + ", found " + std::to_string(dims));
  config.dims = static_cast<std::uint32_t>(dims);
  config.theta = ir::attr_float(attention, "rope_theta");
  require(config.theta > 0, "rope_theta must be positive");
  config.scaling = ir::attr_string(attention, "rope_scaling");
  if (config.scaling == "linear" || config.scaling == "llama3" || ir::has_attr(attention, "rope_factor")) {
    config.factor = ir::attr_float(attention, "rope_factor");
    require(config.factor > 0, "rope_factor must be positive");
  }
  if (config.scaling == "longrope" || ir::has_attr(attention, "rope_attention_factor")) {
    config.attention_factor = ir::attr_float(attention, "rope_attention_factor");
    require(config.attention_factor > 0, "rope_attention_factor must be positive");
  }
  if (config.scaling == "none") return config;
  if (config.scaling == "llama3" || config.scaling == "longrope") {
    const std::int64_t original = ir::attr_int(attention, "rope_original_context");
    require(original > 0 && original <= UINT32_MAX, "rope_original_context must be positive");
    config.original_context = static_cast<std::uint32_t>(original);
  }
  if (config.scaling == "llama3") {
    config.low_freq_factor = ir::attr_float(attention, "rope_low_freq_factor");
    config.high_freq_factor = ir::attr_float(attention, "rope_high_freq_factor");
    require(config.low_freq_factor > 0 && config.high_freq_factor > config.low_freq_factor,
            "rope_high_freq_factor must exceed rope_low_freq_factor, which must be positive");
  } else if (config.scaling == "longrope") {
    config.short_factors = attr_list(attention, "rope_short");
    config.long_factors = attr_list(attention, "rope_long");
    require(config.short_factors.size() == config.dims / 2 && config.long_factors.size() == config.dims / 2,
            "rope_short and rope_long must have rope_dims / 2 = " + std::to_string(config.dims / 2) +
                " elements, found " + std::to_string(config.short_factors.size()) + " and " +
                std::to_string(config.long_factors.size()));
  } else {
    require(config.scaling == "linear",
            "rope_scaling must be none, linear, llama3 or longrope, found '" + config.scaling + "'");
  }
  return config;
}

bool depends_on_length(const RopeConfig& config) {
  return config.scaling == "longrope" && config.short_factors != config.long_factors;
}

std::vector<double> rope_frequencies(const RopeConfig& config, std::uint32_t length) {
  std::vector<double> frequencies(config.dims / 2);
  const bool is_long = length > config.original_context;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double base = std::pow(config.theta, -2.0 * static_cast<double>(i) / config.dims);
    double& frequency = frequencies[i];
    frequency = base / config.factor;
    if (config.scaling == "llama3") {
      const double wavelength = 2.0 * std::numbers::pi / base;
      const double original = config.original_context;
      const double low = config.low_freq_factor;
      const double high = config.high_freq_factor;
      if (wavelength < original / high) {
        frequency = base;
      } else if (wavelength <= original / low) {
        const double smooth = (original / wavelength - low) / (high - low);
        frequency = (1.0 - smooth) * base / config.factor + smooth * base;
      }
    } else if (config.scaling == "longrope") {
      frequency = base / config.factor / (is_long ? config.long_factors[i] : config.short_factors[i]);
    }
  }
  return frequencies;
}

RopeTable::RopeTable(const RopeConfig& config, std::uint32_t length)
    : config_(config), frequencies_(rope_frequencies(config, length)) {}

bool RopeTable::set_length(std::uint32_t length) {
  if (!depends_on_length(config_)) return false;
  std::vector<double> frequencies = rope_frequencies(config_, length);
  if (frequencies == frequencies_) return false;
  frequencies_ = std::move(frequencies);
  cosines_.clear();
  sines_.clear();
  return true;
}

void RopeTable::extend(std::uint32_t end) {
  if (frequencies_.empty()) return;
  const double factor = config_.attention_factor;
  for (std::size_t position = cosines_.size() / frequencies_.size(); position < end; ++position) {
    for (const double frequency : frequencies_) {
      const double angle = static_cast<double>(position) * frequency;
      cosines_.push_back(static_cast<float>(std::cos(angle) * factor));
      sines_.push_back(static_cast<float>(std::sin(angle) * factor));
    }
  }
}

void RopeTable::rotate(const float* x, std::uint32_t head_dim, std::uint32_t position, float* y) const {
  const std::size_t pairs = frequencies_.size();
  const float* cosine = cosines_.data() + position * pairs;
  const float* sine = sines_.data() + position * pairs;
  // (a, b) -> (a cos - b sin, a sin + b cos); a pair is (i, i + dims / 2) or (2 i, 2 i + 1).
  const std::size_t step = config_.style == RopeStyle::kHalf ? 1 : 2;
  const std::size_t partner = config_.style == RopeStyle::kHalf ? pairs : 1;
  for (std::size_t i = 0; i < pairs; ++i) {
    const float a = x[i * step];
    const float b = x[i * step + partner];
    y[i * step] = a * cosine[i] - b * sine[i];
    y[i * step + partner] = a * sine[i] + b * cosine[i];
  }
  for (std::size_t i = 2 * pairs; i < head_dim; ++i) y[i] = x[i];
}

}  // namespace xw::transformer
