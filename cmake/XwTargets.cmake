# One target per folder: xw_add_library(name SOURCES ... PUBLIC ... PRIVATE ... [PRECOMPILED set] [INTERNAL]), xw_add_test(name LABEL ... SOURCES ... LIBRARIES ... [PRECOMPILED set]).
# INTERNAL: not a part of the installed package.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0

# What is for those who work on the project itself is off when it is a part of another one.
option(XW_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(XW_BUILD_BENCHMARKS "Build the benchmarks (Google Benchmark)" ${PROJECT_IS_TOP_LEVEL})
option(XW_BUILD_FUZZERS "Build the libFuzzer harnesses (needs clang)" OFF)
# The sanitizers make every program several times larger; with libraries of their own, 100 tests need a tenth of the disk.
option(XW_SHARED_LIBRARIES "Libraries as shared objects: for builds with sanitizers; a package is made of static ones" OFF)
option(XW_WARNINGS_AS_ERRORS "Treat warnings as errors" ${PROJECT_IS_TOP_LEVEL})

# Every target carries its language level (cxx_std_20), so that a parent project keeps its own.
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()

# Warnings and sanitizers live here; third parties that link our libraries do not get them.
add_library(xw_options INTERFACE)
target_compile_features(xw_options INTERFACE cxx_std_20)
target_compile_options(xw_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Wduplicated-cond -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(xw_options INTERFACE -Wno-unknown-warning-option)
else()
  # GCC 12 sees overlapping and endless copies in std::string operator+ when it inlines (GCC bug 105329); there are none.
  target_compile_options(xw_options INTERFACE -Wno-restrict)
endif()
if(XW_WARNINGS_AS_ERRORS)
  target_compile_options(xw_options INTERFACE -Werror)
endif()
# fp32 numerics are part of the contract: no fused multiply-add where the source says multiply, then add.
target_compile_options(xw_options INTERFACE -ffp-contract=off)

function(xw_add_library name)
  cmake_parse_arguments(ARG "INTERNAL" "PRECOMPILED" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  # Others' headers that only our sources include: who links the installed library needs them not.
  list(TRANSFORM ARG_PRIVATE REPLACE "^((Eigen3|nlohmann_json)::.+)$" "$<BUILD_INTERFACE:\\1>")
  if(NOT ARG_PRECOMPILED)
    set(ARG_PRECOMPILED standard)
  endif()
  set(kind STATIC)
  if(XW_SHARED_LIBRARIES)
    set(kind SHARED)
    set(ARG_INTERNAL TRUE)
  endif()
  add_library(xw_${name} ${kind} ${ARG_SOURCES})
  set_target_properties(xw_${name} PROPERTIES DEFINE_SYMBOL "")
  add_library(xw::${name} ALIAS xw_${name})
  target_compile_features(xw_${name} PUBLIC cxx_std_20)
  target_include_directories(xw_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(xw_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE} $<BUILD_INTERFACE:xw_options>)
  xw_use_precompiled(xw_${name} ${ARG_PRECOMPILED})
  if(NOT ARG_INTERNAL)
    xw_install_library(${name})
  endif()
endfunction()

# Code that runs once per command and is large for what it does (options, JSON, printing): optimised little, which saves a
# third of the time that its compilation takes. Sources of the current folder, or with TARGET all of one.
function(xw_optimise_little)
  cmake_parse_arguments(ARG "" "TARGET" "SOURCES" ${ARGN})
  if(ARG_TARGET)
    target_compile_options(${ARG_TARGET} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
  foreach(source IN LISTS ARG_SOURCES)
    set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS $<$<CONFIG:Release>:-O1>)
  endforeach()
endfunction()

# One executable per call; every GoogleTest case becomes a ctest case with the given label.
function(xw_add_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT;PRECOMPILED" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT ARG_PRECOMPILED)
    set(ARG_PRECOMPILED test)
  endif()
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} xw_test_support GTest::gmock GTest::gtest GTest::gtest_main xw_options)
  xw_use_precompiled(${name} ${ARG_PRECOMPILED})
  if(ARG_LABEL STREQUAL unit)
    if(NOT TARGET quick_tests)
      add_custom_target(quick_tests)
    endif()
    add_dependencies(quick_tests ${name})
    set_property(GLOBAL APPEND_STRING PROPERTY XW_QUICK_TESTS "${name} $<TARGET_FILE:${name}>\n")
  endif()
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
