// A place on this machine where XRT's hw_emu driver finds all that it wants: a folder, files, environment variables.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "host/backends/xrt/emulation/card.hpp"

namespace xw::xrt_emulation {

/// A folder /tmp/xw-xrt-XXXXXX with the driver's configuration and its sockets; gone with its owner, with all that the
/// driver has left. Movable neither nor copyable.
class Session {
 public:
  /// `card_program`: what plays the card. Throws Error{kIo}.
  explicit Session(const std::filesystem::path& card_program);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  /// What a host needs in its environment before it opens a device.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> environment() const;
  /// Writes an xclbin of that name (without folder) into the folder and returns its path. Throws Error{kIo}.
  std::filesystem::path write_xclbin(const std::string& name, const CardDescription& description) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace xw::xrt_emulation
