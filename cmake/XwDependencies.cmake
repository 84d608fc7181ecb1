# What the build needs from the system; all of it is packaged by Debian 12 (scripts/setup.sh installs it).
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
set(CMAKE_FIND_USE_PACKAGE_REGISTRY OFF)
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)  # a parent project links what our libraries link
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(tomlplusplus 3.3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 3.36 REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET GLOBAL libpcre2-8)
# `crossweave serve` only.
pkg_check_modules(HTTPLIB IMPORTED_TARGET GLOBAL cpp-httplib)
set(XW_HAVE_HTTPLIB ${HTTPLIB_FOUND})
if(NOT XW_HAVE_HTTPLIB)
  message(STATUS "cpp-httplib was not found: `crossweave serve` will say so (Debian: libcpp-httplib-dev)")
endif()
if(XW_BUILD_TESTS)
  find_package(GTest 1.12 REQUIRED)
  include(GoogleTest)
  pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET GLOBAL sentencepiece)
endif()
if(XW_BUILD_BENCHMARKS)
  find_package(benchmark 1.7 REQUIRED)
endif()
