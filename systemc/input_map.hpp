// Where the bytes in XBUF came from.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace xw::systemc {

/// The LOAD_Xs of a run: byte `origin(b)` of a vector in memory stands at byte b of XBUF.
class InputMap {
 public:
  void clear() { loads_.clear(); }
  void load(std::uint32_t xbuf_offset, std::uint32_t bytes, std::uint32_t x_offset) {
    loads_.push_back({xbuf_offset, bytes, x_offset});
  }
  /// What no LOAD_X of the run has written is taken to be where a program would load it.
  [[nodiscard]] std::uint32_t origin(std::uint32_t xbuf_offset) const {
    for (auto load = loads_.rbegin(); load != loads_.rend(); ++load) {
      if (xbuf_offset - load->begin < load->bytes) return load->origin + (xbuf_offset - load->begin);
    }
    return xbuf_offset;
  }

 private:
  struct Load {
    std::uint32_t begin = 0, bytes = 0, origin = 0;
  };
  std::vector<Load> loads_;
};

}  // namespace xw::systemc
