// The implementations that kernels.cpp chooses from; which of them exist is decided by the build.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/transformer/kernels.hpp"

namespace xw::transformer::detail {

extern const Kernels kAvx512Kernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kPortableKernels;

}  // namespace xw::transformer::detail
