// What was answered to a caller's key, so that asking again decides nothing and spends nothing.
//
//   auto known = keys.begin("key:ada\nrequest-17", digest_of_body, now);
//   if (known.state == AnsweredKeys::State::kNew) keys.finish(key, answer, now);      // or forget(key)
//
// An answer is kept for ten minutes, at most kMax of them; the oldest go first. They do not outlive the process.
// Thread-safe. O(log keys).
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "bursar/core/clock.h"

namespace bursar::broker {

class AnsweredKeys {
 public:
  static constexpr std::size_t kMax = 100'000;
  static constexpr Duration kRemembered = std::chrono::minutes{10};

  enum class State : std::uint8_t { kNew, kUnderWay, kAnswered, kOther };  // kOther: the key came with another body
  struct Known {
    State state = State::kNew;
    std::string answer;  // of kAnswered
  };
  [[nodiscard]] Known begin(const std::string& key, std::string_view digest, WallTime now);
  void finish(const std::string& key, std::string answer, WallTime now);
  void forget(const std::string& key);

 private:
  struct Entry {
    std::string digest, answer;
    bool answered = false;
  };
  void make_room(WallTime now);

  std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::deque<std::pair<WallTime, std::string>> order_;  // of those answered
};

}  // namespace bursar::broker
