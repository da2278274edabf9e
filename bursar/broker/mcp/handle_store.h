// What has to outlive the process for handles to be worth something: the secret, and which sessions have ended.
//
//   std::string secret = config.handles.secret.empty() ? *handle_secret("bursar.db") : config.handles.secret;
//   auto ended = EndedSessions::open("bursar.db");
//   (*ended)->add(id, until);  (*ended)->contains(id);  (*ended)->flush();      // flush(): off the reactors
//
// A replica with a database of its own does not hear of sessions that ended elsewhere: there such an id is good for a
// new session of the same principal until its lifetime is over.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/core/result.h"

namespace bursar::broker {

class Database;

// 32 random bytes, made once and kept in the database. Errors: those of the database.
[[nodiscard]] Result<std::string> handle_secret(const std::string& database);

// Thread-safe. At most kMax are remembered; past that, the one whose lifetime ends first is forgotten.
class EndedSessions {
 public:
  static constexpr std::size_t kMax = 65'536;

  EndedSessions();  // in memory only
  ~EndedSessions();
  [[nodiscard]] static Result<std::shared_ptr<EndedSessions>> open(const std::string& database, WallTime now);

  void add(std::string_view id, WallTime until);
  [[nodiscard]] bool contains(std::string_view id) const;
  Result<void> flush(WallTime now);  // writes what is new, forgets what is over
  [[nodiscard]] std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::int64_t> until_us_;  // by digest
  std::vector<std::pair<std::string, std::int64_t>> unwritten_;
  std::mutex writing_;  // of the database
  std::unique_ptr<Database> database_;
};

}  // namespace bursar::broker
