// The default model, opened in fp32.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "host/toolchain/opened_model.hpp"
#include "host/toolchain/text_session.hpp"
#include "tests/support/paths.hpp"

namespace xw::server::test {

inline toolchain::OpenedModel& default_model() {
  static toolchain::OpenedModel opened(xw::test::source_dir() / "models/default/stories-2m.gguf", {}, {}, 1);
  return opened;
}

/// How `crossweave run` continues a text with it.
inline std::string continued(const std::string& text, const transformer::GenerateOptions& options) {
  toolchain::TextSession session(default_model(), options, true);
  std::string made;
  session.complete(text, [&](const std::string& piece) { made += piece; });
  return made;
}

}  // namespace xw::server::test
