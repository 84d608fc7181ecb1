# Headers of others that many files read, compiled once: xw_add_precompiled(set KIND library|program [LITTLE] HEADERS ... [LIBRARIES ...]),
# xw_use_precompiled(target set). Headers of the project are never among them, so that a change of one rebuilds what includes
# it and nothing else. Off by default, and in the preset quick, so that builds of developers show when a file does not include what it
# uses; the presets dev, asan, release and demo switch it on.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0

option(XW_PRECOMPILED_HEADERS "Compile the headers of others once" OFF)

# What ccache must overlook to keep files that were compiled with a precompiled header; without it they would not be cached.
if(XW_PRECOMPILED_HEADERS AND CMAKE_CXX_COMPILER_LAUNCHER MATCHES "^[^;]*ccache$")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

# A precompiled header serves code with the same options only: KIND says whether that of libraries or of programs, LITTLE that it is
# for targets of xw_optimise_little().
function(xw_add_precompiled set)
  if(NOT XW_PRECOMPILED_HEADERS)
    return()
  endif()
  cmake_parse_arguments(ARG "LITTLE" "KIND" "HEADERS;LIBRARIES" ${ARGN})
  set(name xw_precompiled_${set})
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "int main();\nint main() { return 0; }\n")
  if(ARG_KIND STREQUAL library)
    add_library(${name} OBJECT EXCLUDE_FROM_ALL ${source})
  else()
    add_executable(${name} EXCLUDE_FROM_ALL ${source})
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} xw_options)
  if(ARG_LITTLE)
    xw_optimise_little(TARGET ${name})
  endif()
  list(TRANSFORM ARG_HEADERS REPLACE "(.+)" "<\\1>")
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
endfunction()

# For all of `target` but the files with an instruction set or an optimisation level of their own (GCC 12 crashes on other levels than
# that of the precompiled header), wherever that is said.
function(xw_use_precompiled target set)
  if(NOT XW_PRECOMPILED_HEADERS)
    return()
  endif()
  target_precompile_headers(${target} REUSE_FROM xw_precompiled_${set})
  # The standard library switches these off for its strings by pragmas, which GCC forgets in precompiled headers.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  cmake_language(EVAL CODE "cmake_language(DEFER CALL xw_skip_precompiled ${target})")
endfunction()
function(xw_skip_precompiled target)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    if(options MATCHES "-[mO]")
      set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()

# The standard headers that most files of the libraries read.
set(XW_STANDARD_HEADERS algorithm array bit charconv cmath cstdint cstring filesystem functional limits map memory optional set
    span string string_view unordered_map utility vector)
xw_add_precompiled(standard KIND library HEADERS ${XW_STANDARD_HEADERS})
# nlohmann/json.hpp is not among them: its inline functions would be compiled again with every file.
xw_add_precompiled(little KIND library LITTLE HEADERS ${XW_STANDARD_HEADERS})
xw_add_precompiled(command KIND library LITTLE HEADERS ${XW_STANDARD_HEADERS} iostream boost/program_options.hpp
                   LIBRARIES Boost::program_options)
if(XW_HAVE_SYSTEMC)
  xw_add_precompiled(systemc KIND library HEADERS ${XW_STANDARD_HEADERS} systemc tlm tlm_utils/simple_initiator_socket.h
                     tlm_utils/simple_target_socket.h LIBRARIES xw_systemc_library)
endif()
if(XW_BUILD_TESTS)
  xw_add_precompiled(test KIND program HEADERS ${XW_STANDARD_HEADERS} fstream iostream gmock/gmock.h gtest/gtest.h
                     LIBRARIES GTest::gmock GTest::gtest)
endif()
