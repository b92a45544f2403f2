# SPDX-License-Identifier: Apache-2.0
#
# The few functions with which a module's CMakeLists.txt is written:
#
#   fairuse_library(core SOURCES policy.hpp policy.cpp DEPENDS fairuse::events)        -> fairuse::core
#   fairuse_protobuf(storage PROTOS rows.proto)                                        -> fairuse::storage_proto
#   fairuse_executable(fairuse SOURCES main.cpp DEPENDS fairuse::sim CLI11::CLI11)     -> build/<preset>/fairuse
#   fairuse_test(core_test SOURCES policy_test.cpp DEPENDS fairuse::core)              -> ctest `core_test`, label fast
#   fairuse_script_test(cli_demo SCRIPT demo_test.py ARGS $<TARGET_FILE:fairuse> LABELS slow)
#   fairuse_benchmark(core_bench SOURCES advance_bench.cpp DEPENDS fairuse::core)
#
# Sources are listed, never globbed. The include root is the repository: #include "core/policy.hpp".

# The preset of a sanitizer's build, as tools/test knows it.
set(fairuse_sanitizer_preset "")
if(FAIRUSE_SANITIZE STREQUAL "address")
  set(fairuse_sanitizer_preset asan)
elseif(FAIRUSE_SANITIZE STREQUAL "thread")
  set(fairuse_sanitizer_preset tsan)
endif()

# Add a folder if its owner has given it a CMakeLists.txt.
function(fairuse_add_module folder)
  if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
    add_subdirectory(${folder})
  endif()
endfunction()

# Check the arguments that a function got; `arg_UNPARSED_ARGUMENTS` names a typing mistake.
macro(fairuse_check_arguments function name)
  if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "${function}(${name}): check '${arg_UNPARSED_ARGUMENTS}${arg_KEYWORDS_MISSING_VALUES}'.")
  endif()
endmacro()

# Library of a module: fairuse_<module>, used as fairuse::<module>. DEPENDS are public, PRIVATE_DEPENDS stay inside.
# A module of headers only becomes an interface library.
function(fairuse_library module)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS")
  fairuse_check_arguments(fairuse_library ${module})
  set(target fairuse_${module})
  set(compiled ${arg_SOURCES})
  list(FILTER compiled INCLUDE REGEX "\\.cpp$")
  if(compiled)
    # Built for what links it: a sanitizer's build has fewer tests.
    add_library(${target} STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
    target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${target} PUBLIC ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS} fairuse::warnings)
  else()
    add_library(${target} INTERFACE ${arg_SOURCES})
    target_include_directories(${target} INTERFACE "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${target} INTERFACE ${arg_DEPENDS} ${arg_PRIVATE_DEPENDS})
  endif()
  add_library(fairuse::${module} ALIAS ${target})
endfunction()

# Messages of a module: fairuse::<module>_proto. `storage/rows.proto` is included as "storage/rows.pb.h". Generated code
# is compiled without our warnings.
function(fairuse_protobuf module)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "PROTOS")
  fairuse_check_arguments(fairuse_protobuf ${module})
  set(target fairuse_${module}_proto)
  set(root "${PROJECT_BINARY_DIR}/generated")
  file(MAKE_DIRECTORY "${root}")
  set(generated)
  foreach(proto IN LISTS arg_PROTOS)
    cmake_path(ABSOLUTE_PATH proto BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE OUTPUT_VARIABLE source)
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE stem)
    cmake_path(REMOVE_EXTENSION stem LAST_ONLY)
    add_custom_command(
      OUTPUT "${root}/${stem}.pb.cc" "${root}/${stem}.pb.h"
      COMMAND protobuf::protoc "--cpp_out=${root}" "--proto_path=${PROJECT_SOURCE_DIR}" "${source}"
      DEPENDS "${source}" protobuf::protoc
      COMMENT "protoc ${stem}.proto"
      VERBATIM)
    list(APPEND generated "${root}/${stem}.pb.cc" "${root}/${stem}.pb.h")
  endforeach()
  add_library(${target} STATIC ${generated})
  target_include_directories(${target} SYSTEM PUBLIC "${root}")
  target_link_libraries(${target} PUBLIC protobuf::libprotobuf)
  add_library(fairuse::${module}_proto ALIAS ${target})
endfunction()

# Program for people: it stands at the root of the build folder.
function(fairuse_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  fairuse_check_arguments(fairuse_executable ${name})
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} fairuse::warnings)
endfunction()

# Labels, time limit, place in the order and sanitizer settings of one ctest entry. LABELS default to `fast`.
function(fairuse_test_properties name timeout labels cost)
  if(NOT labels)
    set(labels fast)
  endif()
  if(NOT timeout)
    if("slow" IN_LIST labels)
      set(timeout 1200)
    else()
      set(timeout 300)
    endif()
  endif()
  set(suppressions "${PROJECT_SOURCE_DIR}/tests/sanitizers")
  set(environment
      "FAIRUSE_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
      "FAIRUSE_BINARY_DIR=${PROJECT_BINARY_DIR}"
      "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
      "LSAN_OPTIONS=suppressions=${suppressions}/lsan.supp:print_suppressions=0"
      "UBSAN_OPTIONS=print_stacktrace=1:suppressions=${suppressions}/ubsan.supp"
      "TSAN_OPTIONS=second_deadlock_stack=1:ignore_noninstrumented_modules=1:suppressions=${suppressions}/tsan.supp")
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout} ENVIRONMENT "${environment}")
  if(fairuse_sanitizer_preset)
    # tools/test has an entry that builds them.
    set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED ${fairuse_sanitizer_preset})
  endif()
  # The longest begin first, those with brokers before all others: tests/brokers.json says how many of them may run at
  # once, and they wait for each other.
  if(NOT cost)
    set(cost 0)
  endif()
  if("kafka" IN_LIST labels)
    math(EXPR cost "${cost} + 1000")
    set_tests_properties(${name} PROPERTIES RESOURCE_GROUPS brokers:1)
  endif()
  set_tests_properties(${name} PROPERTIES COST ${cost})
endfunction()

# The name in ctest's list: the sanitizer builds put their own in front, so that one list can hold all builds.
function(fairuse_test_name name result)
  if(fairuse_sanitizer_preset)
    set(name "${fairuse_sanitizer_preset}.${name}")
  endif()
  set(${result} ${name} PARENT_SCOPE)
endfunction()

# Whether this build has a test with these LABELS. ThreadSanitizer finds nothing where one thread runs, so its build has
# the tests that say THREADS: threads of ours run in them, or RocksDB's call our code.
function(fairuse_has_test labels threads result)
  set(${result} ON PARENT_SCOPE)
  if((NOT FAIRUSE_SLOW_TESTS AND "slow" IN_LIST labels) OR (FAIRUSE_SANITIZE STREQUAL "thread" AND NOT threads))
    set(${result} OFF PARENT_SCOPE)
  endif()
endfunction()

# What all test binaries share: the test module and main. No other source defines BOOST_TEST_MODULE.
function(fairuse_test_main)
  if(NOT TARGET fairuse_test_main)
    add_library(fairuse_test_main OBJECT "${PROJECT_SOURCE_DIR}/tests/test_main.cpp")
    target_compile_definitions(fairuse_test_main PUBLIC BOOST_TEST_DYN_LINK)
    target_link_libraries(fairuse_test_main PUBLIC Boost::unit_test_framework)
  endif()
endfunction()

# Test binary on Boost.Test.
# LABELS slow keeps it out of the fast suite and out of the sanitizer builds; THREADS takes it into ThreadSanitizer's;
# RAPIDCHECK links the property tests' library; SANITIZED_SEEDS are those of FAIRUSE_SEEDS (from..to) that are enough
# under a sanitizer; TIMEOUT is in seconds; COST is how many it takes, where that is more than 30.
function(fairuse_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "RAPIDCHECK;THREADS" "SANITIZED_SEEDS;TIMEOUT;COST" "SOURCES;DEPENDS;LABELS")
  fairuse_check_arguments(fairuse_test ${name})
  fairuse_has_test("${arg_LABELS}" ${arg_THREADS} wanted)
  if(NOT wanted)
    return()
  endif()
  fairuse_test_main()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  # What is tested is optimised, the checks need not be: half of their compile time (a third under ASan).
  target_compile_options(${name} PRIVATE -O0)
  target_link_libraries(${name} PRIVATE fairuse_test_main ${arg_DEPENDS} fairuse::warnings)
  if(arg_RAPIDCHECK)
    target_link_libraries(${name} PRIVATE rapidcheck)
  endif()
  set(options --color_output=no)
  if(FAIRUSE_SANITIZE)
    # The sanitizer reports the fault itself, better than Boost.Test's signal handler could.
    list(APPEND options --catch_system_errors=no)
  endif()
  fairuse_test_name(${name} test)
  add_test(NAME ${test} COMMAND ${name} ${options} WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  fairuse_test_properties(${test} "${arg_TIMEOUT}" "${arg_LABELS}" "${arg_COST}")
  if(FAIRUSE_SANITIZE AND arg_SANITIZED_SEEDS)
    set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT "FAIRUSE_SEEDS=${arg_SANITIZED_SEEDS}")
  endif()
endfunction()

# Parameters of RapidCheck: FAST for the test as it is, SANITIZED, if given, under a sanitizer; SLOW, if given, for a
# second test with the same binary.
function(fairuse_scenarios name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FAST;SANITIZED;SLOW;COST" "")
  fairuse_check_arguments(fairuse_scenarios ${name})
  if(NOT TARGET ${name})
    return()
  endif()
  if(FAIRUSE_SANITIZE AND arg_SANITIZED)
    set(arg_FAST "${arg_SANITIZED}")
  endif()
  fairuse_test_name(${name} test)
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT "RC_PARAMS=${arg_FAST}")
  if(arg_SLOW AND FAIRUSE_SLOW_TESTS)
    add_test(NAME ${test}_slow COMMAND ${name} --color_output=no WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
    fairuse_test_properties(${test}_slow "" slow "${arg_COST}")
    set_property(TEST ${test}_slow APPEND PROPERTY ENVIRONMENT "RC_PARAMS=${arg_SLOW}")
  endif()
endfunction()

# Test written as a Python script; exit code 0 passes. ARGS may name programs, as in $<TARGET_FILE:fairuse>; without
# ARGS it runs nothing of ours, so the sanitizer builds do without; so they do with UNSANITIZED, for what starts many
# processes that do little. The rest as in fairuse_test.
function(fairuse_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "THREADS;UNSANITIZED" "SCRIPT;TIMEOUT;COST" "ARGS;LABELS")
  fairuse_check_arguments(fairuse_script_test ${name})
  fairuse_has_test("${arg_LABELS}" ${arg_THREADS} wanted)
  if(NOT wanted OR (FAIRUSE_SANITIZE AND (arg_UNSANITIZED OR NOT arg_ARGS)))
    return()
  endif()
  fairuse_test_name(${name} test)
  add_test(NAME ${test} COMMAND "${Python3_EXECUTABLE}" -B "${CMAKE_CURRENT_SOURCE_DIR}/${arg_SCRIPT}" ${arg_ARGS}
           WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  fairuse_test_properties(${test} "${arg_TIMEOUT}" "${arg_LABELS}" "${arg_COST}")
endfunction()

# Google Benchmark binary in build/<preset>/bench. The target `benchmarks` builds them all.
function(fairuse_benchmark name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  fairuse_check_arguments(fairuse_benchmark ${name})
  add_executable(${name} EXCLUDE_FROM_ALL ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bench")
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} benchmark::benchmark fairuse::warnings)
  if(NOT TARGET benchmarks)
    add_custom_target(benchmarks)
  endif()
  add_dependencies(benchmarks ${name})
endfunction()
