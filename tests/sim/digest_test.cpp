// SPDX-License-Identifier: Apache-2.0

#include "sim/digest.hpp"

#include <boost/test/unit_test.hpp>

namespace fairuse::sim {

namespace {

const slot_chain ada_live{"live", "crossed\nwarned\n"};
const slot_chain ada_shadow{"strict", "crossed\nwarned\nthrottled\n"};
const slot_chain bob_live{"live", "crossed\n"};

std::string digest_of_both() {
  run_digest run;
  run.add("ada", std::vector<slot_chain>{ada_live, ada_shadow});
  run.add("bob", std::vector<slot_chain>{bob_live});
  return run.finish();
}

} // namespace

BOOST_AUTO_TEST_SUITE(digests)

BOOST_AUTO_TEST_CASE(sha256_gives_the_published_digest) {
  BOOST_TEST(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

BOOST_AUTO_TEST_CASE(the_order_in_which_users_finish_does_not_matter) {
  run_digest first;
  run_digest second;
  second.add("ada", std::vector<slot_chain>{ada_shadow, ada_live});
  first.add("bob", std::vector<slot_chain>{bob_live});
  first.merge(std::move(second));
  BOOST_TEST(first.finish() == digest_of_both());
}

BOOST_AUTO_TEST_CASE(every_user_slot_and_byte_matters) {
  run_digest other_user;
  other_user.add("ada", std::vector<slot_chain>{ada_live, ada_shadow});
  other_user.add("bo", std::vector<slot_chain>{bob_live});
  BOOST_TEST(other_user.finish() != digest_of_both());

  run_digest other_slot;
  other_slot.add("ada", std::vector<slot_chain>{ada_live, {"lax", ada_shadow.bytes}});
  other_slot.add("bob", std::vector<slot_chain>{bob_live});
  BOOST_TEST(other_slot.finish() != digest_of_both());

  run_digest other_byte;
  other_byte.add("ada", std::vector<slot_chain>{ada_live, ada_shadow});
  other_byte.add("bob", std::vector<slot_chain>{{"live", "crossed"}});
  BOOST_TEST(other_byte.finish() != digest_of_both());
}

BOOST_AUTO_TEST_CASE(a_user_without_decisions_leaves_no_trace) {
  run_digest run;
  run.add("ada", std::vector<slot_chain>{ada_live, ada_shadow});
  run.add("bob", std::vector<slot_chain>{bob_live});
  run.add("eve", std::vector<slot_chain>{{"live", ""}});
  BOOST_TEST(run.finish() == digest_of_both());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
