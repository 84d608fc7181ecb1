// The default model, opened in fp32.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/toolchain/opened_model.hpp"
#include "tests/support/paths.hpp"

namespace xw::server::test {

inline toolchain::OpenedModel& default_model() {
  static toolchain::OpenedModel opened(xw::test::source_dir() / "models/default/stories-2m.gguf", {}, {}, 1);
  return opened;
}

}  // namespace xw::server::test
