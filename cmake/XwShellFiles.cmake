# Writes what the command says of itself to files: manual pages and completions of shells.
#   cmake -D CROSSWEAVE=COMMAND -D MAN=FOLDER -D SHARE=FOLDER -P XwShellFiles.cmake
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
function(write_output file)
  cmake_path(GET file PARENT_PATH folder)
  file(MAKE_DIRECTORY ${folder})
  execute_process(COMMAND ${CROSSWEAVE} ${ARGN} OUTPUT_FILE ${file} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${CROSSWEAVE} ${ARGN}: exit status ${status}")
  endif()
  message(STATUS "Installing: ${file}")
endfunction()

write_output(${MAN}/man1/crossweave.1 man)
execute_process(COMMAND ${CROSSWEAVE} man OUTPUT_VARIABLE overview COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\n\\.BR crossweave[^ ]+ \\(1\\)" names "${overview}")
foreach(name IN LISTS names)
  string(REGEX REPLACE "\n\\.BR crossweave(.*) \\(1\\)" "\\1" name "${name}")
  string(REPLACE "\\-" "-" name "${name}")
  string(SUBSTRING ${name} 1 -1 name)
  write_output(${MAN}/man1/crossweave-${name}.1 man ${name})
endforeach()
write_output(${SHARE}/bash-completion/completions/crossweave completion bash)
write_output(${SHARE}/zsh/vendor-completions/_crossweave completion zsh)
write_output(${SHARE}/fish/vendor_completions.d/crossweave.fish completion fish)
