// Devices that torch computes on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <string>

namespace xw::finetune {

/// "cpu", "cuda", "cuda:1" or "auto" (a CUDA device if there is one). For CUDA it loads libtorch_cuda.so from the folder that
/// libtorch_cpu.so came from (LD_LIBRARY_PATH chooses it): to be called before any other
/// function of torch, which asks once whether there is CUDA. Throws Error{kInvalidArgument} for another name, Error{kUnsupported} with the
/// loader's reason if CUDA cannot be used.
[[nodiscard]] torch::Device open_device(const std::string& name);

/// Whether products in bf16 are fast here: CUDA, or AVX512-BF16 or AMX.
[[nodiscard]] bool has_fast_bf16(const torch::Device& device);

/// "NVIDIA H200", "AMD EPYC ..., 2 threads", for reports.
[[nodiscard]] std::string device_text(const torch::Device& device);

/// Threads of torch's CPU operations.
void set_threads(int threads);

/// Waits until the device has done everything; for measurements.
void synchronise(const torch::Device& device);

}  // namespace xw::finetune
