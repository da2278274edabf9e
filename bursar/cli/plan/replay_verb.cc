// bursar plan replay: takes a job's decisions anew from what it saw, and says whether they are the same.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

#include "bursar/cli/plan/plan_command.h"
#include "bursar/cli/plan/simulated_calls.h"
#include "bursar/core/json.h"
#include "bursar/plan/job/saved_job.h"
#include "bursar/plan/strategies/strategies.h"

namespace bursar::cli {
namespace {

constexpr std::size_t kMostBytes = 256 << 20;

Result<std::string> text_of(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (!in) return fail(ErrorCode::kUnavailable, file + ": cannot be read");
  return text;
}

// A job as it was saved, or an answer of a gateway that holds one: bursar.job, with explain "full".
Result<plan::SavedJob> job_of(const std::string& file) {
  auto text = text_of(file);
  if (!text) return tl::unexpected(text.error());
  auto document = parse_json(*text, {.max_bytes = kMostBytes});
  if (!document) return tl::unexpected(with_context(file, document.error()));
  const auto* object = document->if_object();
  for (const char* key : {"bursar", "job"}) {
    const auto* inner = object == nullptr ? nullptr : object->if_contains(key);
    if (inner != nullptr && inner->is_object()) object = &inner->get_object();
  }
  if (object == nullptr) return invalid_argument(file + ": holds no job");
  auto job = plan::restore_job(*object);
  if (!job) return tl::unexpected(with_context(file, job.error()));
  return job;
}

Result<std::unique_ptr<plan::Controller>> controller_of(const plan::SavedJob& job) {
  auto entry = plan::strategy_named(job.setup.strategy);
  if (!entry) return tl::unexpected(entry.error());
  return plan::make_job(**entry, job.setup);
}

std::vector<simulate::ChatMessage> messages_of(const plan::JobSetup& setup) {
  std::vector<simulate::ChatMessage> out;
  out.reserve(setup.messages.size());
  for (const plan::Message& message : setup.messages) out.push_back({message.role, message.content});
  return out;
}

// The digests of all actions, in their order: what was decided.
std::vector<std::string> decisions_of(const boost::json::array& journal) {
  std::vector<std::string> out;
  for (const auto& entry : journal) {
    const auto* step = entry.as_object().if_contains("step");
    if (step == nullptr) continue;
    for (const auto& action : step->at("actions").as_array()) out.emplace_back(action.at("digest").as_string());
  }
  return out;
}

// Nothing is asked of anybody: what the journal does not hold was not seen.
class Nobody final : public plan::ExecutorEffects {
 public:
  std::size_t launched = 0;
  [[nodiscard]] Result<Amounts> bound(const plan::Action& /*action*/) override { return Amounts{}; }
  void launch(const plan::Action& /*action*/) override { ++launched; }
  void cancel(std::uint64_t /*action*/) override {}
  void wake(Duration /*in*/) override {}
  void finish() override {}
};

Result<void> replayed(const plan::SavedJob& job, std::ostream& out) {
  auto controller = controller_of(job);
  if (!controller) return tl::unexpected(controller.error());
  Nobody nobody;
  plan::Executor executor(std::move(*controller), job.limits, nobody);
  if (auto same = executor.resume(job.journal, wall_from_unix_us(0)); !same) return same;
  out << "replay: " << decisions_of(job.journal).size() << " decisions of " << job.setup.strategy << ", all the same";
  if (!executor.finished()) out << "; then it asks for " << nobody.launched << " more, which was not seen";
  out << "\n";
  if (executor.finished() && executor.result().answer) out << executor.result().answer->text << "\n";
  return {};
}

Result<void> simulated(const plan::SavedJob& job, std::uint64_t seed, std::ostream& out) {
  auto controller = controller_of(job);
  if (!controller) return tl::unexpected(controller.error());
  SimulatedCalls calls(seed, messages_of(job.setup));
  plan::Executor executor(std::move(*controller), job.limits, calls);
  executor.begin(calls.now());
  calls.run(executor);
  const auto was = decisions_of(job.journal), is = decisions_of(executor.journal());
  const auto differs = std::ranges::mismatch(was, is);
  out << "simulation, model seed " << seed << ": ";
  if (was == is) {
    out << is.size() << " decisions, all the same\n";
    return {};
  }
  return fail(ErrorCode::kCorrupt, "the simulation decides otherwise from decision " +
                                       std::to_string(differs.in1 - was.begin() + 1) + " on");
}

}  // namespace

Result<void> replay_job(const ReplayWords& words, std::ostream& out) {
  auto job = job_of(words.file);
  if (!job) return tl::unexpected(job.error());
  if (words.simulated) out << "The second half is SIMULATED: no model is asked.\n";
  if (auto same = replayed(*job, out); !same) return same;
  return words.simulated ? simulated(*job, *words.simulated, out) : Result<void>();
}

}  // namespace bursar::cli
