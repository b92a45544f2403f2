// SPDX-License-Identifier: Apache-2.0

// The test module and main of every test binary.
#define BOOST_TEST_MODULE fairuse
#include <boost/test/unit_test.hpp>
