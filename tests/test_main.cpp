// SPDX-License-Identifier: Apache-2.0

// The test module and main of every test binary; `fairuse_test` in cmake/ compiles it in and gives the name.
#define BOOST_TEST_MODULE FAIRUSE_TEST_MODULE
#include <boost/test/unit_test.hpp>
