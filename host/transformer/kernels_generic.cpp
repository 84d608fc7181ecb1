// Inner loops on processors without a special implementation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/kernels_isa.hpp"

namespace xw::transformer {

std::vector<const Kernels*> available_kernels() {
  return {&detail::kPortableKernels};
}

const Kernels& kernels() {
  return detail::kPortableKernels;
}

}  // namespace xw::transformer
