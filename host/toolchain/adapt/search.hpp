// Which layers of a model suffer from noise: what a budget is spent by.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "host/toolchain/adapt/options.hpp"
#include "host/toolchain/checkpoint.hpp"
#include "host/toolchain/options.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::toolchain {

/// Adapts the model with the passes of `options` but directions and clipping, puts every call alone on the chip of options.search,
/// and measures what it loses on the calibration text, nats per token. Throws what adapt(), compile_checkpoint() and
/// measure_sensitivity() throw.
[[nodiscard]] std::map<std::string, double> measure_losses(const OpenedCheckpoint& opened,
                                                           const CompileOptions& compile, const AdaptOptions& options,
                                                           ThreadPool& pool);

/// The losses alone of the calls in a result of `crossweave sensitivity --by call`. Throws Error{kFormat} naming the file
/// for another document, one that is not complete, or one without calls.
[[nodiscard]] std::map<std::string, double> read_losses(const std::filesystem::path& file);

}  // namespace xw::toolchain
