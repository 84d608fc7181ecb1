// Attention for one instruction set (CMakeLists.txt has the options).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#define XW_KERNELS avx512
#include "models/finetune/cpu_attention_impl.hpp"
