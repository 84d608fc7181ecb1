// A checkpoint as a GGUF file, for other programs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "host/toolchain/checkpoint.hpp"

namespace xw::toolchain {

/// Writes a model of Llama's structure (trained ones, too) with its tokenizer. Matrices have the given type (F32, F16, BF16, Q8_0; those
/// whose rows are no whole blocks of Q8_0 F16), vectors are F32; the hardware
/// that the model was trained for and its input ranges become metadata (compiler/checkpoint/gguf_training.hpp). Throws
/// Error{kUnsupported} for what a GGUF file of the architecture "llama" cannot say, naming it, and Error{kIo}.
void export_gguf(const OpenedCheckpoint& opened, const std::filesystem::path& path, checkpoint::Dtype type);

}  // namespace xw::toolchain
