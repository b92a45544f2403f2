# SPDX-License-Identifier: Apache-2.0
#
# How every translation unit of ours is compiled and linked.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)

if(FAIRUSE_CCACHE)
  find_program(FAIRUSE_CCACHE_PROGRAM ccache)
  mark_as_advanced(FAIRUSE_CCACHE_PROGRAM)
  if(FAIRUSE_CCACHE_PROGRAM)
    set(CMAKE_C_COMPILER_LAUNCHER "${FAIRUSE_CCACHE_PROGRAM}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${FAIRUSE_CCACHE_PROGRAM}")
  endif()
endif()

if(FAIRUSE_MOLD)
  find_program(FAIRUSE_MOLD_PROGRAM mold)
  mark_as_advanced(FAIRUSE_MOLD_PROGRAM)
  if(FAIRUSE_MOLD_PROGRAM)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

# Most of a source's compile time goes into packaged headers: several sources in one share it. The strict build goes
# source by source, so each one still includes what it needs. (Test fixtures of one file may stay in its anonymous
# namespace.)
if(FAIRUSE_UNITY)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 40)
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()

# Equal sources give equal results: no contraction of a*b+c, no fast-math, and no path of this machine in the binary.
add_compile_options(-ffp-contract=off "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")

if(FAIRUSE_SANITIZE STREQUAL "address")
  set(fairuse_sanitizers address,undefined)
elseif(FAIRUSE_SANITIZE STREQUAL "thread")
  set(fairuse_sanitizers thread)
elseif(FAIRUSE_SANITIZE STREQUAL "fuzzer")
  # Instrumented for libFuzzer; the targets of tests/fuzz bring its main function.
  set(fairuse_sanitizers fuzzer-no-link,address,undefined)
elseif(FAIRUSE_SANITIZE)
  message(FATAL_ERROR "FAIRUSE_SANITIZE must be empty, address, thread or fuzzer, not '${FAIRUSE_SANITIZE}'.")
endif()
if(fairuse_sanitizers)
  # Lines are what a report needs; all of -g costs a third of the compile time.
  add_compile_options(-fsanitize=${fairuse_sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  # At fixed addresses the tables of the sanitizers need no relocation: a program starts in less than half the time, and
  # tests start hundreds.
  add_link_options(-fsanitize=${fairuse_sanitizers} -no-pie)
  if(NOT FAIRUSE_SANITIZE STREQUAL "thread")
    # vptr: the packaged libraries are built without the type information that it asks for. null: CAF 0.17.6 binds a
    # reference to the arguments of a spawned function even if there are none; a real access still ends in ASan. For
    # the same reason _GLIBCXX_ASSERTIONS is not set in any build. alignment: a fifth of GCC's compile time; the fuzz
    # targets, by clang, have it.
    add_compile_options(-fno-sanitize=vptr,null)
    if(FAIRUSE_SANITIZE STREQUAL "address")
      add_compile_options(-fno-sanitize=alignment)
    endif()
  endif()
endif()

# The warnings of our own targets; generated code and packaged headers do without.
add_library(fairuse_warnings INTERFACE)
add_library(fairuse::warnings ALIAS fairuse_warnings)
if(FAIRUSE_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Asio's fences, which ThreadSanitizer does not see: each of our contexts has one thread.
  target_compile_options(fairuse_warnings INTERFACE -Wno-tsan)
endif()
target_compile_options(
  fairuse_warnings
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wconversion
            -Wshadow
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wextra-semi
            -Wcast-qual
            -Wundef
            # An omitted designated initialiser has its default.
            -Wno-missing-field-initializers
            # GCC 12 sees overlapping copies in std::string's operator+ that are not there (GCC bug 105651).
            $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
            $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond>
            $<$<CXX_COMPILER_ID:GNU>:-Wlogical-op>
            $<$<BOOL:${FAIRUSE_WERROR}>:-Werror>)
