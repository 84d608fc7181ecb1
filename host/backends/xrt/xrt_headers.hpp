// XRT's native API, as all its releases from 2.13 on have it. Included by sources of this folder only.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

// Asked by files that no other XRT can lend: Debian's stands in /usr/include/xrt, where <xrt/experimental/...> of any release
// older than 2.19 would be found.
#if __has_include(<xrt/detail/xclbin.h>)  // 2.19
#include <xrt/detail/xclbin.h>
#include <xrt/experimental/xrt_ip.h>
#include <xrt/experimental/xrt_xclbin.h>
#else
#include <experimental/xrt_ip.h>
#include <experimental/xrt_xclbin.h>
#include <xclbin.h>
#endif
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>
#include <xrt/xrt_uuid.h>
#if __has_include(<xrt/xrt_hw_context.h>)  // 2.15; from 2.23 on kernels without a context are deprecated
#include <xrt/xrt_hw_context.h>
#define XW_XRT_HW_CONTEXT 1
#else
#define XW_XRT_HW_CONTEXT 0
#endif
