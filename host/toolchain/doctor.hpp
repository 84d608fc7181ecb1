// Whether a device works, step by step: what `crossweave doctor` prints.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "arch/description/description.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::toolchain {

/// One thing that was looked at.
struct Finding {
  std::string step;  ///< "driver", "device", "memory", "engine 2"
  bool good = false;
  std::string detail;  ///< what was found; of a failure what to do about it
};

/// Looks at the driver (of `xrt`), opens the device of a URI for an emulator, writes and reads memory behind every port,
/// and runs a small program on every engine, whose words must be those of the functional device. Every finding is told
/// when it is made; ends with the first that is not good and returns whether all were. Throws Error{kInvalidArgument} for
/// URIs that there are not.
[[nodiscard]] bool examine_device(const std::string& uri, const arch::EmulatorDescription& emulator, ThreadPool& pool,
                                  const std::function<void(const Finding&)>& tell);

}  // namespace xw::toolchain
