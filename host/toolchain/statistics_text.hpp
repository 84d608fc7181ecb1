// What running a model took, as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>

#include "host/toolchain/opened_model.hpp"
#include "host/toolchain/text_session.hpp"

namespace xw::toolchain {

/// Speed; of a program also what its device counted, and the time and energy of a simulated chip.
void write_statistics(std::ostream& out, const OpenedModel& opened, const TextTotals& totals);

}  // namespace xw::toolchain
