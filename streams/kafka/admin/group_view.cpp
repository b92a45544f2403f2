// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/admin/group_view.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "streams/kafka/admin/admin_handles.hpp"
#include "streams/kafka/broker/client.hpp"

namespace fairuse::kafka {

namespace {

std::string text_of(const char* text) { return text == nullptr ? std::string() : std::string(text); }

group_member member_of(const rd_kafka_MemberDescription_t* from) {
  group_member made;
  made.name = text_of(rd_kafka_MemberDescription_group_instance_id(from));
  if (made.name.empty()) made.name = text_of(rd_kafka_MemberDescription_consumer_id(from));
  made.host = text_of(rd_kafka_MemberDescription_host(from));
  const auto* assignment = rd_kafka_MemberDescription_assignment(from);
  const auto* parts = assignment == nullptr ? nullptr : rd_kafka_MemberAssignment_partitions(assignment);
  for (int i = 0; parts != nullptr and i < parts->cnt; ++i)
    made.reads.push_back({parts->elems[i].topic, parts->elems[i].partition});
  return made;
}

class real_group_view final : public group_view, private listener {
public:
  real_group_view(const real_cluster_options& options, std::string group)
    : listener{options}, call_timeout_{options.call_timeout}, group_{std::move(group)} {}

  /// Before any other call.
  result<void> open(const real_cluster_options& options) {
    const properties own{{"group.id", group_}, {"isolation.level", name_of(isolation::committed)}};
    auto opened = open_client(options, client_role::questions, own, *this);
    if (not opened) return std::move(opened).error();
    handle_ = std::move(*opened);
    return {};
  }

  call_result<group_description> describe() override {
    const owned<rd_kafka_queue_t> answers{rd_kafka_queue_new(handle_.get())};
    const admin_owned<rd_kafka_AdminOptions_t> how{
        rd_kafka_AdminOptions_new(handle_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS)};
    std::array<char, 256> text{};
    rd_kafka_AdminOptions_set_request_timeout(how.get(), timeout_of(call_timeout_), text.data(), text.size());
    std::array<const char*, 1> names{group_.c_str()};
    rd_kafka_DescribeConsumerGroups(handle_.get(), names.data(), names.size(), how.get(), answers.get());
    const admin_owned<rd_kafka_event_t> told{rd_kafka_queue_poll(answers.get(), 2 * timeout_of(call_timeout_))};
    if (told == nullptr) return failed(RD_KAFKA_RESP_ERR__TIMED_OUT);
    if (const auto error = rd_kafka_event_error(told.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(error);
    std::size_t count = 0;
    const auto* groups =
        rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(told.get()), &count);
    if (count != 1) return failed(RD_KAFKA_RESP_ERR__BAD_MSG);
    if (const auto* error = rd_kafka_ConsumerGroupDescription_error(groups[0]); error != nullptr)
      return failed(rd_kafka_error_code(error));
    group_description made{.state =
                               rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(groups[0]))};
    const auto members = rd_kafka_ConsumerGroupDescription_member_count(groups[0]);
    for (std::size_t i = 0; i < members; ++i)
      made.members.push_back(member_of(rd_kafka_ConsumerGroupDescription_member(groups[0], i)));
    return made;
  }

  call_result<std::vector<committed_offset>> committed(std::span<const topic_partition> partitions) override {
    std::vector<committed_offset> all;
    const owned<rd_kafka_topic_partition_list_t> list{
        rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size()))};
    for (const auto& each : partitions)
      rd_kafka_topic_partition_list_add(list.get(), each.topic.c_str(), each.partition);
    auto error = rd_kafka_committed(handle_.get(), list.get(), timeout_of(call_timeout_));
    for (int i = 0; i < list->cnt and error == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
      const auto& one = list->elems[i];
      error = one.err;
      committed_offset found{{one.topic, one.partition}, one.offset < 0 ? -1 : one.offset, {}};
      if (one.metadata != nullptr) found.metadata.assign(static_cast<const char*>(one.metadata), one.metadata_size);
      all.push_back(std::move(found));
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
      return error_of(error, fmt::format("The offsets of group {} cannot be read", group_));
    return all;
  }

private:
  call_error failed(rd_kafka_resp_err_t error) const {
    return error_of(error, fmt::format("Group {} cannot be described", group_));
  }

  milliseconds call_timeout_;
  std::string group_;
  owned<rd_kafka_t> handle_;
};

} // namespace

result<std::unique_ptr<group_view>> make_group_view(const real_cluster_options& options, const std::string& group) {
  auto made = std::make_unique<real_group_view>(options, group);
  if (auto opened = made->open(options); not opened) return std::move(opened).error();
  return std::unique_ptr<group_view>(std::move(made));
}

} // namespace fairuse::kafka
