# SPDX-License-Identifier: Apache-2.0
#
#   cmake -D ROOT=... -D SOURCE=storage/partition_store.cpp -D OUTPUT=... -P put_switches.cmake
#
# Write a source once more, each of its guards (guards.cmake) behind a switch. Fails if the table is not in step with
# the source.

file(READ "${ROOT}/${SOURCE}" code)

function(guard name source text with_switch)
  if(NOT source STREQUAL SOURCE)
    return()
  endif()
  string(REPLACE "${text}" "" others "${code}")
  string(LENGTH "${code}" before)
  string(LENGTH "${others}" after)
  string(LENGTH "${text}" length)
  math(EXPR count "(${before} - ${after}) / ${length}")
  if(NOT count EQUAL 1)
    message(FATAL_ERROR
            "tests/protocol/guards.cmake: the text of the guard '${name}' has to stand in ${source} exactly once, "
            "and stands there ${count} times:\n  ${text}\nBring the row in step with the source.")
  endif()
  string(REPLACE "{gone}" "guard::is_removed(\"${name}\")" with_switch "${with_switch}")
  string(REPLACE "${text}" "${with_switch}" code "${code}")
  set(code "${code}" PARENT_SCOPE)
endfunction()
include("${CMAKE_CURRENT_LIST_DIR}/guards.cmake")

# Messages of the compiler name the source itself.
file(WRITE "${OUTPUT}" "#include \"tests/protocol/removed_guard.hpp\"\n#line 1 \"${ROOT}/${SOURCE}\"\n${code}")
