// The stack of the calling thread, told to the address sanitizer again. Private to host/backends/systemc.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#ifdef __SANITIZE_ADDRESS__
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace xw::systemc {

/// SystemC announces its switches between stacks to the address sanitizer, but knows no bounds for the stack that
/// sc_start() was called on; after its return the sanitizer would not find the frames that an exception leaves.
inline void restore_sanitizer_stack() {
#ifdef __SANITIZE_ADDRESS__
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  void* bottom = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &bottom, &size);
  pthread_attr_destroy(&attributes);
  __sanitizer_start_switch_fiber(nullptr, bottom, size);
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
}

}  // namespace xw::systemc
