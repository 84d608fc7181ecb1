# xw_replace_modules(LIST MODULE=FILE...): in a list of SystemVerilog files, FILE takes the place of MODULE.sv. Ends the configuration with what was
# expected if MODULE is not in the list or FILE, an absolute path, is not there.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
function(xw_replace_modules list)
  set(files ${${list}})
  foreach(replacement IN LISTS ARGN)
    string(REGEX MATCH "^([a-z0-9_]+)=(/.+)$" matched "${replacement}")
    set(module ${CMAKE_MATCH_1})
    set(file ${CMAKE_MATCH_2})
    if(NOT matched OR NOT EXISTS "${file}")
      message(FATAL_ERROR "XW_RTL_REPLACE: expected MODULE=FILE with the absolute path of a file, found ${replacement}")
    endif()
    set(found ${files})
    list(FILTER found INCLUDE REGEX "/${module}\\.sv$")
    if(NOT found)
      message(FATAL_ERROR "XW_RTL_REPLACE: rtl/ has no module ${module}")
    endif()
    list(TRANSFORM files REPLACE "^.*/${module}\\.sv$" "${file}")
    message(STATUS "RTL: ${module} is ${file}")
  endforeach()
  set(${list} ${files} PARENT_SCOPE)
endfunction()
