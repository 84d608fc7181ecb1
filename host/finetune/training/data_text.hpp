// Training text as text again.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "host/finetune/data/data_set.hpp"
#include "host/toolchain/checkpoint.hpp"

namespace xw::finetune {

/// Writes the documents of a data set, decoded and joined by `separator`: what stands between the tokens that texts begin and end
/// with. The last one of a sequence is cut where the sequence ends. Replaces the file only on success; returns how many documents there
/// are. Throws Error{kIo}, and what DataSet::read throws.
std::uint64_t write_data_text(const DataSet& data, const tokenizer::TokenizerData& tokenizer,
                              const std::filesystem::path& path, const std::string& separator);

}  // namespace xw::finetune
