// Text that grows until it holds one of some words.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xw::server {

/// What may be shown of a growing text that ends before that of its stop texts which is complete first. A reader never sees the beginning of a stop text.
class StopText {
 public:
  /// Empty stop texts are overlooked.
  explicit StopText(std::vector<std::string> stops);
  /// Adds `piece`; returns what may be shown now. Nothing once found().
  [[nodiscard]] std::string push(std::string_view piece);
  /// What was held back when there is no more to come.
  [[nodiscard]] std::string flush();
  [[nodiscard]] bool found() const { return found_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool found_ = false;
};

}  // namespace xw::server
