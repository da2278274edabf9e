// What strategies have learned, shared by all reactors and kept in a file beside the database.
//
//   auto store = BeliefStore::open("bursar.db.beliefs.json");
//   store->learn(job, "key:ada", asked.setup);            // each job, as it ends
//   store->feedback("01a2…-m7", "key:ada", {.correct = true});
//   setup.beliefs = store->of("openai/gpt-4o-mini");
//   store->save();                                        // every few seconds; nothing where nothing was learned
//
// A job's feedback is its own principal's. A file that cannot be read is refused when the gateway starts; one that
// cannot be written is logged, and what was learned stays in memory. Thread-safe.
#pragma once

#include <boost/json/object.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bursar/core/result.h"
#include "bursar/plan/beliefs.h"

namespace bursar::broker {

class BeliefStore {
 public:
  // Errors: kUnavailable, kCorrupt; they name the file.
  [[nodiscard]] static Result<std::unique_ptr<BeliefStore>> open(std::string path);

  void learn(const plan::JobRecord& job, std::string_view principal);
  // Errors: those of Beliefs::feedback(); another principal's job is not known.
  [[nodiscard]] Result<void> feedback(std::string_view job, std::string_view principal, const plan::Feedback& said);
  [[nodiscard]] boost::json::object of(std::string_view model) const;
  void save();

 private:
  BeliefStore(std::string path, plan::Beliefs beliefs) : path_(std::move(path)), beliefs_(std::move(beliefs)) {}

  std::string path_;
  mutable std::mutex mutex_;
  plan::Beliefs beliefs_;
  std::unordered_map<std::string, std::string> owners_;  // job -> principal, of those that wait for feedback
  std::deque<std::string> order_;                        // of owners_, the oldest first
  bool changed_ = false;
};

}  // namespace bursar::broker
