#include "bursar/schedule/profile/group_schedules.h"

#include <set>
#include <string_view>

namespace bursar::schedule {
namespace {

constexpr std::size_t kMostGroups = 4096;

}  // namespace

Result<GroupSchedules> GroupSchedules::create(std::vector<GroupSchedule> groups) {
  if (groups.empty() || groups.size() > kMostGroups) {
    return invalid_argument("groups: must be 1 to " + std::to_string(kMostGroups) + ", are " +
                            std::to_string(groups.size()));
  }
  std::set<std::string_view> names;
  const std::int64_t total = groups.front().schedule.total();
  for (const GroupSchedule& group : groups) {
    if (group.name.empty()) return invalid_argument("groups: a group has no name");
    if (!names.insert(group.name).second) return invalid_argument("groups: two are called '" + group.name + "'");
    if (group.schedule.total() == total) continue;
    return invalid_argument("groups: '" + group.name + "' ends after " + std::to_string(group.schedule.total()) +
                            " steps and '" + groups.front().name + "' after " + std::to_string(total) +
                            "; groups share one budget");
  }
  return GroupSchedules(std::move(groups));
}

Result<void> GroupSchedules::at(std::int64_t step, std::span<double> out) const {
  if (out.size() != groups_.size()) {
    return invalid_argument("out: has room for " + std::to_string(out.size()) + " numbers, there are " +
                            std::to_string(groups_.size()) + " groups");
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const auto rate = groups_[g].schedule.at(step);
    if (!rate) return tl::unexpected(with_context("group " + groups_[g].name, rate.error()));
    out[g] = *rate;
  }
  return {};
}

Result<GroupSchedules> GroupSchedules::with_budget(std::int64_t done, std::int64_t total) const {
  std::vector<GroupSchedule> out;
  for (const GroupSchedule& group : groups_) {
    auto changed = group.schedule.with_budget(done, total);
    if (!changed) return tl::unexpected(with_context("group " + group.name, changed.error()));
    out.push_back({.name = group.name, .schedule = std::move(*changed)});
  }
  return GroupSchedules(std::move(out));
}

}  // namespace bursar::schedule
