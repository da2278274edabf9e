#include "bursar/broker/decide_door/answered_keys.h"

namespace bursar::broker {

void AnsweredKeys::make_room(WallTime now) {
  while (!order_.empty() && (order_.front().first <= now || order_.size() >= kMax)) {
    entries_.erase(order_.front().second);
    order_.pop_front();
  }
}

AnsweredKeys::Known AnsweredKeys::begin(const std::string& key, std::string_view digest, WallTime now) {
  const std::scoped_lock lock(mutex_);
  make_room(now);
  const auto [found, fresh] = entries_.try_emplace(key, Entry{.digest = std::string(digest)});
  if (fresh) return {};
  if (found->second.digest != digest) return {State::kOther, {}};
  if (!found->second.answered) return {State::kUnderWay, {}};
  return {State::kAnswered, found->second.answer};
}

void AnsweredKeys::finish(const std::string& key, std::string answer, WallTime now) {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  found->second.answer = std::move(answer);
  found->second.answered = true;
  order_.emplace_back(now + kRemembered, key);
}

void AnsweredKeys::forget(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(key);
}

}  // namespace bursar::broker
