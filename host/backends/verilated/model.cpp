// Choosing a Verilated kernel.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/verilated/model.hpp"

#include <algorithm>

namespace xw::verilated {

Shape shape_of(const arch::EmulatorDescription& e) {
  return {e.num_engines,     e.lanes,          e.block_rows,
          e.block_cols,      e.contexts,       e.xbuf_bytes,
          e.ybuf_words,      e.max_batch,      e.adc_columns_per_cycle,
          e.data_width_bits, e.max_outstanding};
}

const ModelEntry* find_model(std::span<const ModelEntry> models, const Shape& shape) {
  const auto found = std::find_if(models.begin(), models.end(), [&](const ModelEntry& m) { return m.shape == shape; });
  return found == models.end() ? nullptr : &*found;
}

}  // namespace xw::verilated
