# libtorch, which training needs (scripts/setup_finetune.sh fetches it): XW_HAVE_LIBTORCH, and then the target xw_libtorch. Looked
# for at every configuration, in XW_TORCH (variable or environment) and in .cache/libtorch here and beside the repository of a worktree;
# a folder that holds `torch`, as PyPI's wheel unpacks. Not with Torch's own package: that wants a CUDA toolkit.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
set(XW_TORCH "" CACHE PATH "Folder with libtorch, for `crossweave finetune`; empty: the environment's, or .cache/libtorch")
option(XW_WITH_TORCH "Build training (crossweave finetune) where libtorch is found" ${PROJECT_IS_TOP_LEVEL})

set(XW_HAVE_LIBTORCH OFF)
if(XW_WITH_TORCH)
  set(places ${XW_TORCH} $ENV{XW_TORCH} ${PROJECT_SOURCE_DIR}/.cache/libtorch)
  execute_process(COMMAND git rev-parse --path-format=absolute --git-common-dir WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                  OUTPUT_VARIABLE common OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    cmake_path(GET common PARENT_PATH common)
    list(APPEND places ${common}/.cache/libtorch)
  endif()
  foreach(place IN LISTS places)
    if(EXISTS ${place}/torch/lib/libtorch_cpu.so AND EXISTS ${place}/torch/include/torch/csrc/api/include/torch/torch.h)
      set(XW_HAVE_LIBTORCH ON)
      set(libtorch ${place})
      break()
    endif()
  endforeach()
endif()

if(XW_HAVE_LIBTORCH)
  message(STATUS "libtorch: ${libtorch}")
  set(XW_TORCH_LIBRARIES ${libtorch}/torch/lib)
  add_library(xw_libtorch INTERFACE)
  target_include_directories(xw_libtorch SYSTEM INTERFACE ${libtorch}/torch/include ${libtorch}/torch/include/torch/csrc/api/include)
  target_compile_definitions(xw_libtorch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
  # Its own libraries are found beside it, or where LD_LIBRARY_PATH says: a build runs with the CUDA build of the same release.
  target_link_libraries(xw_libtorch INTERFACE -Wl,--no-as-needed ${libtorch}/torch/lib/libtorch_cpu.so ${libtorch}/torch/lib/libc10.so
                        ${libtorch}/torch/lib/libgomp.so.1
                        -Wl,--as-needed ${CMAKE_DL_LIBS})
  target_link_options(xw_libtorch INTERFACE -Wl,-rpath,${libtorch}/torch/lib -Wl,--allow-shlib-undefined)
  xw_add_precompiled(torch KIND library HEADERS ${XW_STANDARD_HEADERS} torch/torch.h LIBRARIES xw_libtorch)
  if(XW_BUILD_TESTS)
    xw_add_precompiled(torch_test KIND program HEADERS ${XW_STANDARD_HEADERS} gmock/gmock.h gtest/gtest.h torch/torch.h
                       LIBRARIES GTest::gmock GTest::gtest xw_libtorch)
  endif()
else()
  message(STATUS "libtorch: none; crossweave finetune is not built (scripts/setup_finetune.sh, then configure again)")
endif()
