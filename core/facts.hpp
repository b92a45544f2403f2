// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to core: facts about the user that are not usage: account, conversations, what an admin commanded, erasure.
// `live` is the context of the event, in the live slot.
#pragma once

#include "core/context.hpp"
#include "core/permanent_ids.hpp"

namespace fairuse::detail {

/// Note the id of an event that has no other trace, never to be forgotten; false if it was noted before.
bool is_first_use(slot_context& context, permanent_id what);

applied apply_account(slot_context& live, const event& what);
applied apply_conversation(user& who, const event& what);
/// Apply the conversations of the run so far.
void read_conversations(user& who, unread_conversations& unread);
/// The user's conversations in outline: in a run they need not be applied for a review. False: they must be.
bool outline_conversations(const user& who, unread_conversations& unread);
applied apply_admin(slot_context& live, const event& what);
applied apply_erasure(slot_context& live, const event& what);
/// The timer of an exemption.
void end_exemption(slot_context& live);

} // namespace fairuse::detail
