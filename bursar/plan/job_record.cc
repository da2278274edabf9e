#include "bursar/plan/job_record.h"

#include <map>

#include "bursar/plan/job/journal.h"
#include "bursar/plan/strategies/prompts.h"

namespace bursar::plan {
namespace {

using Calls = std::map<std::uint64_t, JobRecord::Call>;

tl::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::kCorrupt, "journal: " + std::string(what) + "; pass one that an executor wrote");
}

// Of a member that is there and of that kind; else 0, or nothing. In memory an id is unsigned, from a file it is not.
std::int64_t number_at(const boost::json::object& of, std::string_view key) {
  const auto* value = of.if_contains(key);
  if (value == nullptr || !value->is_number()) return 0;
  boost::json::error_code failed;
  const auto number = value->to_number<std::int64_t>(failed);
  return failed ? 0 : number;
}
std::string text_at(const boost::json::object& of, std::string_view key) {
  const auto* value = of.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<void> read_actions(const boost::json::object& step, Calls& calls) {
  const auto* actions = step.if_contains("actions");
  if (actions == nullptr || !actions->is_array()) return corrupt("a step without its actions");
  for (const boost::json::value& action : actions->get_array()) {
    if (!action.is_object()) return corrupt("an action that is no object");
    const boost::json::object& of = action.get_object();
    JobRecord::Call call{.purpose = text_at(of, "purpose"),
                         .model = text_at(of, "model"),
                         .max_tokens = number_at(of, "max_tokens"),
                         .end = ActionEnd::kCancelled};  // until it is seen
    const std::int64_t id = number_at(of, "id");
    if (id < 1 || call.purpose.empty()) return corrupt("an action without its id or purpose");
    call.action = static_cast<std::uint64_t>(id);
    calls[call.action] = std::move(call);
  }
  return {};
}

Result<void> read_entry(const boost::json::value& entry, Calls& calls, boost::json::object& notes) {
  if (!entry.is_object()) return corrupt("an entry that is no object");
  if (const auto* step = entry.get_object().if_contains("step"); step != nullptr) {
    if (!step->is_object()) return corrupt("a step that is no object");
    if (const auto* why = step->get_object().if_contains("why"); why != nullptr && why->is_object()) {
      for (const auto& [name, value] : why->get_object()) notes[name] = value;
    }
    return read_actions(step->get_object(), calls);
  }
  const auto* told = entry.get_object().if_contains("seen");
  if (told == nullptr || !told->is_object()) return corrupt("neither a step nor what was seen");
  auto seen = read_seen(told->get_object());
  if (!seen) return tl::unexpected(seen.error());
  const auto found = calls.find(seen->action);
  if (found == calls.end()) return corrupt("an observation of what was not asked");
  JobRecord::Call& call = found->second;
  call.end = seen->end;
  call.cut = seen->finish == "length";
  call.tokens = seen->completion_tokens;
  call.took = seen->took;
  call.text = std::move(seen->text);
  return {};
}

}  // namespace

Result<JobRecord> record_of(std::string id, const JobSetup& setup, const boost::json::array& journal,
                            const std::optional<Answer>& answer) {
  JobRecord out{.id = std::move(id),
                .strategy = setup.strategy,
                .model = setup.model,
                .question = setup.question,
                .calls = {},
                .notes = {},
                .answer = answer ? final_answer(answer->text) : std::string()};
  Calls calls;
  for (const boost::json::value& entry : journal) {
    if (auto ok = read_entry(entry, calls, out.notes); !ok) return tl::unexpected(ok.error());
  }
  if (std::string chosen = text_at(out.notes, "auto"); !chosen.empty()) out.strategy = std::move(chosen);
  for (auto& [action, call] : calls) out.calls.push_back(std::move(call));
  return out;
}

}  // namespace bursar::plan
