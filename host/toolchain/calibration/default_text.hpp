// The text that ranges are calibrated on when the user gives none.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace xw::toolchain {

/// host/toolchain/calibration/default.txt, written for this purpose: prose, dialogue, numbers, code, a letter; about 800 tokens.
[[nodiscard]] std::string_view default_text();
/// host/toolchain/calibration/general.txt, written for adaptation, which wants thousands of tokens: mostly encyclopedic prose, some
/// narrative, dialogue, questions and answers, news, code, lists; about 15,000 tokens. Nothing of a published corpus is in it.
[[nodiscard]] std::string_view general_text();

}  // namespace xw::toolchain
