// Several numbers over one budget: a learning rate for each group of parameters, or a rate, a momentum and a
// temperature that must end together.
//
//   auto groups = GroupSchedules::create({{"body", slow}, {"head", fast}});
//   std::array<double, 2> rates;
//   groups->at(step, rates);                        // in the order given
//   groups = groups->with_budget(600, 2'000);       // all of them go on from where they are
//
// Errors, kInvalidArgument: none or more than 4,096 groups, names that are empty or stand twice, schedules of
// different totals, and those of the schedules, with the group's name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bursar/schedule/profile/schedule.h"

namespace bursar::schedule {

struct GroupSchedule {
  std::string name;
  Schedule schedule;
};

class GroupSchedules {
 public:
  static Result<GroupSchedules> create(std::vector<GroupSchedule> groups);

  [[nodiscard]] Result<void> at(std::int64_t step, std::span<double> out) const;  // out: [groups]
  [[nodiscard]] Result<GroupSchedules> with_budget(std::int64_t done, std::int64_t total) const;
  [[nodiscard]] std::int64_t total() const { return groups_.front().schedule.total(); }
  [[nodiscard]] std::span<const GroupSchedule> groups() const { return groups_; }

 private:
  explicit GroupSchedules(std::vector<GroupSchedule> groups) : groups_(std::move(groups)) {}
  std::vector<GroupSchedule> groups_;
};

}  // namespace bursar::schedule
