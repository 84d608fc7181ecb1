# XRT, the runtime of AMD's Alveo cards (Debian packages libxrt-dev and uuid-dev, or AMD's own in /opt/xilinx/xrt). Without it
# XW_HAVE_XRT is false and the device `xrt` says so when it is opened.
# xw_link_xrt(target) lets a target use it.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0

option(XW_WITH_XRT "Build the device for Alveo cards and their emulation" ON)

set(XW_HAVE_XRT OFF)
if(XW_WITH_XRT)
  set(hints $ENV{XILINX_XRT} /opt/xilinx/xrt)
  # Debian's headers stand in /usr/include/xrt/xrt and include each other from /usr/include/xrt.
  find_path(XW_XRT_INCLUDE_DIR xrt/xrt_kernel.h HINTS ${hints} PATHS /usr/include/xrt PATH_SUFFIXES include)
  find_path(XW_UUID_INCLUDE_DIR uuid/uuid.h)
  find_library(XW_XRT_COREUTIL xrt_coreutil HINTS ${hints} PATH_SUFFIXES lib)
  find_library(XW_UUID_LIBRARY uuid)
  mark_as_advanced(XW_XRT_INCLUDE_DIR XW_UUID_INCLUDE_DIR XW_XRT_COREUTIL XW_UUID_LIBRARY)
  if(XW_XRT_INCLUDE_DIR AND XW_UUID_INCLUDE_DIR AND XW_XRT_COREUTIL AND XW_UUID_LIBRARY)
    set(XW_HAVE_XRT ON)
  else()
    message(STATUS "XRT not found: no --device xrt (Debian packages libxrt-dev libxrt1 uuid-dev)")
  endif()
endif()

function(xw_link_xrt target)
  target_include_directories(${target} SYSTEM PRIVATE ${XW_XRT_INCLUDE_DIR} ${XW_UUID_INCLUDE_DIR})
  target_link_libraries(${target} PRIVATE ${XW_XRT_COREUTIL} ${XW_UUID_LIBRARY} Threads::Threads)
endfunction()
