# One target per folder: xw_add_library(name SOURCES ... PUBLIC ... PRIVATE ...), xw_add_test(name LABEL ... SOURCES ... LIBRARIES ...).
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0

option(XW_BUILD_TESTS "Build the tests" ON)
option(XW_BUILD_BENCHMARKS "Build the benchmarks (Google Benchmark)" ON)
option(XW_BUILD_FUZZERS "Build the libFuzzer harnesses (needs clang)" OFF)
option(XW_WARNINGS_AS_ERRORS "Treat warnings as errors" ON)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Warnings and sanitizers live here; third parties that link our libraries do not get them.
add_library(xw_options INTERFACE)
target_compile_options(xw_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Wduplicated-cond -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(xw_options INTERFACE -Wno-unknown-warning-option)
else()
  # GCC 12 sees overlapping copies in std::string operator+ when it inlines (GCC bug 105329); there are none.
  target_compile_options(xw_options INTERFACE -Wno-restrict)
endif()
if(XW_WARNINGS_AS_ERRORS)
  target_compile_options(xw_options INTERFACE -Werror)
endif()
# fp32 numerics are part of the contract: no fused multiply-add where the source says multiply, then add.
target_compile_options(xw_options INTERFACE -ffp-contract=off)

function(xw_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(xw_${name} STATIC ${ARG_SOURCES})
  add_library(xw::${name} ALIAS xw_${name})
  target_include_directories(xw_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(xw_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE} $<BUILD_INTERFACE:xw_options>)
endfunction()

# One executable per call; every GoogleTest case becomes a ctest case with the given label.
function(xw_add_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE XW_SOURCE_DIR="${PROJECT_SOURCE_DIR}" XW_BINARY_DIR="${PROJECT_BINARY_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gmock GTest::gtest GTest::gtest_main xw_options)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
endfunction()

function(xw_add_benchmark name)
  if(NOT XW_BUILD_BENCHMARKS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} benchmark::benchmark xw_options)
endfunction()

# A libFuzzer harness (clang, address + undefined sanitizers); built by the `fuzz` preset only.
function(xw_add_fuzzer name)
  if(NOT XW_BUILD_FUZZERS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} xw_options)
endfunction()
