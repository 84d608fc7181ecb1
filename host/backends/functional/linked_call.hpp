// A call together with the block images it finds in device memory.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "host/backends/functional/call_plan.hpp"
#include "host/backends/functional/call_totals.hpp"
#include "host/backends/functional/image_cache.hpp"
#include "host/backends/functional/schedule.hpp"
#include "host/device/device_memory.hpp"

namespace xw::functional {

/// Valid as long as the image bases are the same and no image has changed.
struct LinkedCall {
  std::array<device::Address, arch::kMaxEngines> image_base{};
  std::uint64_t generation = 0;           ///< of the memory contents it was made from
  std::vector<analog::BlockView> blocks;  ///< per instruction: for LOAD_BLOCK the image in device memory
  std::vector<std::shared_ptr<const analog::PackedCells>> packed;  ///< what `blocks` and `schedule` refer to
  std::size_t valid = 0;                                           ///< instructions before `failure`
  Failure failure;              ///< of the plan, or an earlier one found in the images
  CallTotals totals;            ///< of the valid instructions
  std::vector<Group> schedule;  ///< of the valid instructions
};

[[nodiscard]] LinkedCall link_call(const CallPlan& plan,
                                   const std::array<device::Address, arch::kMaxEngines>& image_base,
                                   std::uint64_t generation, const device::DeviceMemory& memory, ImageCache& images,
                                   std::uint32_t num_engines, unsigned num_threads);

}  // namespace xw::functional
