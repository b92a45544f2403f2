# SPDX-License-Identifier: Apache-2.0
#
# Every library we use, found once. All are packages of Debian 12 and 13, listed in tools/packages.txt.
#
#   CAF::core                 RocksDB::rocksdb-shared   simdjson::simdjson       protobuf::libprotobuf
#   yaml-cpp                  CLI11::CLI11              fmt::fmt                 spdlog::spdlog
#   nlohmann_json::nlohmann_json                        OpenSSL::Crypto          Boost::headers (Math)
#   zstd::zstd                xxhash::xxhash            random123::random123     tsl::robin_map
#   tl::expected              RdKafka::rdkafka (C API)  CURL::libcurl            prometheus-cpp::core
#   ZLIB::ZLIB
#   Boost::unit_test_framework, rapidcheck (tests)      benchmark::benchmark (bench)
#
# Imported targets are SYSTEM includes: their headers do not warn.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(CAF 0.17.6 REQUIRED)
find_package(RocksDB REQUIRED)
find_package(simdjson REQUIRED)
find_package(Protobuf REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(tsl-robin-map REQUIRED)
find_package(tl-expected REQUIRED)
find_package(zstd REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(prometheus-cpp REQUIRED)
pkg_check_modules(rdkafka REQUIRED IMPORTED_TARGET rdkafka>=2.0.2)
pkg_check_modules(libxxhash REQUIRED IMPORTED_TARGET libxxhash)
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)
mark_as_advanced(RANDOM123_INCLUDE_DIR)

# RocksDB's package defines zstd::zstd already where it needs it.
if(NOT TARGET zstd::zstd)
  add_library(zstd::zstd ALIAS zstd::libzstd_shared)
endif()
add_library(xxhash::xxhash ALIAS PkgConfig::libxxhash)
add_library(RdKafka::rdkafka ALIAS PkgConfig::rdkafka)
add_library(random123::random123 INTERFACE IMPORTED)
target_include_directories(random123::random123 INTERFACE "${RANDOM123_INCLUDE_DIR}")

if(FAIRUSE_BUILD_TESTS)
  find_package(Boost 1.74 REQUIRED COMPONENTS unit_test_framework)
  find_package(rapidcheck REQUIRED)
  # Debian's own: jsonschema and yaml are installed for it.
  find_program(Python3_EXECUTABLE python3 PATHS /usr/bin NO_DEFAULT_PATH)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
else()
  find_package(Boost 1.74 REQUIRED)
endif()

if(FAIRUSE_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()
