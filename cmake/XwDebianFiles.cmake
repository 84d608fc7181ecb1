# Run by CPack on the staged files of every package: what Debian's policy asks for beyond what `cmake --install` gives.
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
set(released "$ENV{SOURCE_DATE_EPOCH}")
if(released STREQUAL "")
  string(TIMESTAMP released "%s" UTC)
  set(ENV{SOURCE_DATE_EPOCH} ${released})
endif()
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)

foreach(component command development)
  set(stage ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr)
  if(NOT IS_DIRECTORY ${stage})
    message(FATAL_ERROR "${stage}: no files of the component '${component}' to make a package of")
  endif()
  string(TOUPPER ${component} upper)
  set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  set(documents ${stage}/share/doc/${package})
  file(MAKE_DIRECTORY ${documents})
  file(WRITE ${documents}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Crossweave

Files: *
Copyright: 2026 The Crossweave authors
License: Apache-2.0
 On Debian systems the licence is in /usr/share/common-licenses/Apache-2.0.
")
  file(WRITE ${documents}/changelog.Debian "crossweave (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) bookworm; urgency=medium

  * Package of Crossweave ${CPACK_PACKAGE_VERSION}; its changes are in changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
  configure_file(${CPACK_XW_CHANGELOG} ${documents}/changelog COPYONLY)
  file(GLOB pages ${stage}/share/man/*/*)
  execute_process(COMMAND gzip -9nf ${documents}/changelog.Debian ${documents}/changelog ${pages} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND chmod -R u=rwX,go=rX ${stage} COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB libraries ${stage}/lib/*/crossweave/*.a ${stage}/lib/crossweave/*.a)
  if(libraries)
    execute_process(COMMAND strip --strip-debug --remove-section=.comment --remove-section=.note --enable-deterministic-archives ${libraries} COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()
