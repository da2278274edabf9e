#include "bursar/plan/job/saved_job.h"

#include <boost/json/value_to.hpp>

namespace bursar::plan {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr std::int64_t kMostParallel = 1'000'000;

tl::unexpected<Error> corrupt(std::string_view member) {
  return fail(ErrorCode::kCorrupt, "job: " + std::string(member) + " is missing, or not what was saved there");
}

// Reads into `to` what stands under `key`; whether it does.
template <class T>
bool read(const object& from, std::string_view key, T& to) {
  const value* found = from.if_contains(key);
  if (found == nullptr) return false;
  auto got = boost::json::try_value_to<T>(*found);
  if (!got) return false;
  to = std::move(*got);
  return true;
}

bool read_object(const object& from, std::string_view key, object& to) {
  const value* found = from.if_contains(key);
  if (found == nullptr || !found->is_object()) return false;
  to = found->get_object();
  return true;
}

Result<JobSetup> read_setup(const object& from) {
  JobSetup out;
  for (const auto& [key, to] : {std::pair{"strategy", &out.strategy},
                                {"question", &out.question},
                                {"model", &out.model},
                                {"small_model", &out.small_model},
                                {"judge_model", &out.judge_model},
                                {"embedding_model", &out.embedding_model}}) {
    if (!read(from, key, *to)) return corrupt(key);
  }
  std::vector<std::vector<std::string>> messages;
  if (!read(from, "messages", messages)) return corrupt("messages");
  for (auto& message : messages) {
    if (message.size() != 2) return corrupt("messages");
    out.messages.push_back({std::move(message[0]), std::move(message[1])});
  }
  if (!read(from, "tools", out.tools)) return corrupt("tools");
  if (!read(from, "max_tokens", out.max_tokens) || out.max_tokens < 1) return corrupt("max_tokens");
  if (!read(from, "temperature", out.temperature)) return corrupt("temperature");
  if (!read(from, "seed", out.seed)) return corrupt("seed");
  if (!read_object(from, "parameters", out.parameters)) return corrupt("parameters");
  if (!read_object(from, "beliefs", out.beliefs)) return corrupt("beliefs");
  return out;
}

Result<JobLimits> read_limits(const object& from) {
  JobLimits out;
  std::string purse;
  if (!read(from, "purse", purse)) return corrupt("purse");
  if (!purse.empty()) {
    auto amounts = parse_amounts(purse);
    if (!amounts || amounts->any_negative()) return corrupt("purse");
    out.purse = *amounts;
  }
  std::int64_t parallel = 0, actions = 0, time = -1;
  if (!read(from, "parallel", parallel) || parallel < 1 || parallel > kMostParallel) return corrupt("parallel");
  if (!read(from, "actions", actions) || actions < 1) return corrupt("actions");
  if (from.contains("time_us")) {
    if (!read(from, "time_us", time) || time < 0) return corrupt("time_us");
    out.time = Duration{time};
  }
  out.parallel = static_cast<std::size_t>(parallel);
  out.actions = static_cast<std::size_t>(actions);
  return out;
}

}  // namespace

object save_job(const JobSetup& setup, const JobLimits& limits, const array& journal) {
  object saved{{"strategy", setup.strategy},
               {"question", setup.question},
               {"model", setup.model},
               {"small_model", setup.small_model},
               {"judge_model", setup.judge_model},
               {"embedding_model", setup.embedding_model},
               {"max_tokens", setup.max_tokens},
               {"temperature", setup.temperature},
               {"seed", setup.seed},
               {"parameters", setup.parameters},
               {"beliefs", setup.beliefs}};
  array& messages = saved["messages"].emplace_array();
  for (const Message& message : setup.messages) {
    array pair;
    pair.emplace_back(message.role);
    pair.emplace_back(message.content);
    messages.push_back(std::move(pair));
  }
  array& tools = saved["tools"].emplace_array();
  for (const std::string& tool : setup.tools) tools.emplace_back(tool);
  object bounds{{"purse", limits.purse.empty() ? "" : to_string(limits.purse)},
                {"parallel", limits.parallel},
                {"actions", limits.actions}};
  if (limits.time) bounds["time_us"] = limits.time->count();
  return {{"setup", std::move(saved)}, {"limits", std::move(bounds)}, {"journal", journal}};
}

Result<SavedJob> restore_job(const object& saved) {
  object setup, limits;
  if (!read_object(saved, "setup", setup)) return corrupt("setup");
  if (!read_object(saved, "limits", limits)) return corrupt("limits");
  const value* journal = saved.if_contains("journal");
  if (journal == nullptr || !journal->is_array()) return corrupt("journal");
  auto read = read_setup(setup);
  if (!read) return tl::unexpected(read.error());
  auto bounds = read_limits(limits);
  if (!bounds) return tl::unexpected(bounds.error());
  return SavedJob{std::move(*read), *bounds, journal->get_array()};
}

}  // namespace bursar::plan
