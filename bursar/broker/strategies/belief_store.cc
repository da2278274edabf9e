#include "bursar/broker/strategies/belief_store.h"

#include "bursar/broker/state_file.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMostBytes = 256 << 20;

}  // namespace

Result<std::unique_ptr<BeliefStore>> BeliefStore::open(std::string path) {
  auto text = read_whole(path);
  if (!text) return tl::unexpected(text.error());
  plan::Beliefs beliefs;
  if (*text) {
    auto document = parse_json(**text, {.max_bytes = kMostBytes});
    if (!document) return tl::unexpected(with_context(path, document.error()));
    if (!document->is_object()) return fail(ErrorCode::kCorrupt, path + ": must be a JSON object");
    auto restored = plan::Beliefs::restore(document->get_object());
    if (!restored) return tl::unexpected(with_context(path, restored.error()));
    beliefs = std::move(*restored);
  }
  return std::unique_ptr<BeliefStore>(new BeliefStore(std::move(path), std::move(beliefs)));
}

void BeliefStore::learn(const plan::JobRecord& job, std::string_view principal) {
  const std::scoped_lock lock(mutex_);
  if (auto learned = beliefs_.observe(job); !learned) {
    return log(LogLevel::kDebug, "job_not_learned", {{"job", job.id}, {"reason", learned.error().message}});
  }
  owners_.emplace(job.id, principal);
  order_.push_back(job.id);
  if (order_.size() > plan::Beliefs::kMostWaiting) {
    owners_.erase(order_.front());
    order_.pop_front();
  }
  changed_ = true;
}

Result<void> BeliefStore::feedback(std::string_view job, std::string_view principal, const plan::Feedback& said) {
  const std::scoped_lock lock(mutex_);
  const auto owner = owners_.find(std::string(job));
  if (owner == owners_.end() || owner->second != principal) {
    return fail(ErrorCode::kNotFound, "id: no job '" + std::string(job) +
                                          "' of yours waits for feedback; it is the id of a strategy's answer");
  }
  if (auto heard = beliefs_.feedback(job, said); !heard) return heard;
  owners_.erase(owner);
  changed_ = true;
  return {};
}

boost::json::object BeliefStore::of(std::string_view model) const {
  const std::scoped_lock lock(mutex_);
  return beliefs_.snapshot(model);
}

void BeliefStore::save() {
  std::string text;
  {
    const std::scoped_lock lock(mutex_);
    if (!std::exchange(changed_, false)) return;
    text = to_json(beliefs_.save());
  }
  if (auto written = write_whole(path_, text); !written) {
    log(LogLevel::kError, "beliefs_not_written", {{"path", path_}, {"reason", written.error().message}});
    const std::scoped_lock lock(mutex_);
    changed_ = true;
  }
}

}  // namespace bursar::broker
