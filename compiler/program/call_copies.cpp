// Calls whose weights a chip holds several times.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/call_copies.hpp"

#include <algorithm>

#include "arch/support/error.hpp"

namespace xw::program {
namespace {

/// What a matrix computes, without its name and where it is.
MatrixInfo what_it_computes(const Manifest& manifest, std::uint32_t matrix) {
  MatrixInfo info = manifest.matrices[matrix];
  info.name.clear();
  info.call = 0;
  return info;
}

/// Output segments with matrices as positions in the call.
std::vector<OutputSegment> segments(const CallInfo& call) {
  std::vector<OutputSegment> outputs = call.outputs;
  for (OutputSegment& segment : outputs) {
    const auto found = std::find(call.matrices.begin(), call.matrices.end(), segment.matrix);
    segment.matrix = static_cast<std::uint32_t>(found - call.matrices.begin());
  }
  return outputs;
}

}  // namespace

std::vector<std::vector<std::uint32_t>> call_copies(const Manifest& manifest) {
  std::vector<std::vector<std::uint32_t>> copies(manifest.calls.size());
  for (std::uint32_t call = 0; call < manifest.calls.size(); ++call) {
    copies[call].push_back(call);
    if (const auto original = manifest.calls[call].copy_of) copies[*original].push_back(call);
  }
  return copies;
}

void validate_copies(const Manifest& manifest, const std::string& origin) {
  bool has_copies = false;
  for (std::size_t i = 0; i < manifest.calls.size(); ++i) {
    const CallInfo& call = manifest.calls[i];
    const auto require = [&](bool condition, const std::string& what) {
      if (condition) return;
      std::string message = origin + ": call " + std::to_string(i) + " (\"";
      message += call.name;
      message += "\"): ";
      message += what;
      throw Error(ErrorCode::kFormat, message);
    };
    require(call.copy_of.has_value() || !has_copies,
            "expected a copy behind the copies before it, found a call of its own");
    if (!call.copy_of) continue;
    has_copies = true;
    require(*call.copy_of < i && !manifest.calls[*call.copy_of].copy_of,
            "copy_of: expected a call before it that is no copy, found " + std::to_string(*call.copy_of));
    const CallInfo& original = manifest.calls[*call.copy_of];
    const auto is_alike = [&](std::uint32_t a, std::uint32_t b) {
      return what_it_computes(manifest, a) == what_it_computes(manifest, b);
    };
    require(call.in_features == original.in_features && call.x_stride_bytes == original.x_stride_bytes &&
                call.y_stride_bytes == original.y_stride_bytes,
            "a copy has other vectors than its original");
    require(std::equal(call.matrices.begin(), call.matrices.end(), original.matrices.begin(), original.matrices.end(),
                       is_alike),
            "a copy has other matrices than its original");
    require(segments(call) == segments(original), "a copy has its outputs in other words than its original");
  }
}

}  // namespace xw::program
