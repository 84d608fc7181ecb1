# cmake -P: what xw_replace_modules makes of a list, and what it refuses.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
include(${CMAKE_CURRENT_LIST_DIR}/../../../cmake/XwReplaceModules.cmake)
if(REPLACEMENT)  # a call that must fail
  set(modules /tree/tile/xw_one.sv /tree/top/xw_one_more.sv)
  xw_replace_modules(modules ${REPLACEMENT})
  return()
endif()

set(modules /tree/tile/xw_one.sv /tree/top/xw_one_more.sv /tree/top/more_xw_one.sv)
xw_replace_modules(modules)
xw_replace_modules(modules xw_one=${CMAKE_CURRENT_LIST_FILE})
set(expected ${CMAKE_CURRENT_LIST_FILE} /tree/top/xw_one_more.sv /tree/top/more_xw_one.sv)
if(NOT "${modules}" STREQUAL "${expected}")
  message(FATAL_ERROR "expected ${expected}, found ${modules}")
endif()
foreach(case "xw_two=${CMAKE_CURRENT_LIST_FILE}|rtl/ has no module xw_two" "xw_one=/nowhere/xw_one.sv|absolute path of a file" "xw_one|expected MODULE=FILE"
             "xw_one=relative.sv|expected MODULE=FILE")
  string(REGEX MATCH "^(.*)\\|(.*)$" matched "${case}")
  set(replacement ${CMAKE_MATCH_1})
  set(message ${CMAKE_MATCH_2})
  execute_process(COMMAND ${CMAKE_COMMAND} "-DREPLACEMENT=${replacement}" -P ${CMAKE_CURRENT_LIST_FILE} RESULT_VARIABLE status ERROR_VARIABLE errors)
  string(REGEX REPLACE "[ \n]+" " " errors "${errors}")
  string(FIND "${errors}" "${message}" place)
  if(status EQUAL 0 OR place LESS 0)
    message(FATAL_ERROR "${replacement}: expected an error with '${message}', found ${status}: ${errors}")
  endif()
endforeach()
