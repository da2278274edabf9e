// One named policy that many callers ask, with the holds of its open decisions.
//
//   auto decider = Decider::open(config, "bursar.db.policy.pacing.json", now);
//   Result<Asked> asked = (*decider)->ask(request, "key:ada", now);
//   // reserve asked->reserve in the ledger, without any lock of ours; then
//   decider->grant(asked->name.id, std::move(hold), now);            // or refuse(id)
//   Result<Taken> taken = decider->take(name, principal);            // once, by whoever decided
//   taken->hold.settle(…);
//   decider->tell(name.id, cost, reward);
//
// A decision is pending (being reserved), open, or taken (being settled); then it is gone. overdue() takes what was not
// observed in time, finish() all that is open: both are settled at what they reserved, and the policy is told so.
// With a window (config.window) a new policy begins in each, with the last one's prices; one that learns rewards keeps
// what it knows, and has its budget anew.
// State: save() writes the policy and the reservations of decisions that have not ended, beside and renamed. Whoever
// opens the file counts those at what they reserved, as the ledger has them; ids carry the run, so that an answer of an
// earlier run is never taken for one of this. Thread-safe: one mutex, held for a decision (microseconds), never while
// the ledger or the disk works. Bounded: kMaxOpen decisions.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bursar/broker/config/decide_config.h"
#include "bursar/broker/decide_door/decide_request.h"
#include "bursar/broker/identity/principal.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

class Decider {
 public:
  static constexpr std::size_t kMaxOpen = 10'000;

  // Goes on from the file, or begins where there is none or it is of another policy, budget or horizon (which is
  // logged). Errors: kCorrupt for a damaged file: to begin anew would spend the policy's budget twice.
  [[nodiscard]] static Result<std::unique_ptr<Decider>> open(const DecideConfig& config, std::string path,
                                                             WallTime now);

  struct Asked {
    DecisionName name;
    Decision decision;
    std::vector<double> prices, remaining;  // [resources]: what it decided by, and what is left after it
    Amounts reserve;                        // worst case of what was chosen; meant where `open`
    std::optional<WallTime> window_ends;    // when the budget is there anew
    bool open = false;                      // grant() or refuse() must follow
  };
  // Errors: the policy's; kExhausted (retryable) while kMaxOpen decisions wait to be observed.
  [[nodiscard]] Result<Asked> ask(const DecideRequest& request, const std::string& subject, WallTime now);
  void grant(DecisionId id, ledger::Hold hold, WallTime now);
  void refuse(DecisionId id);
  // tell() or paid() may follow at once, without grant(), where somebody else reserves and pays.
  // Paid by somebody else; its reward may still be observed, until `feedback` is over.
  void paid(DecisionId id, const Amounts& cost, WallTime now);

  struct Taken {
    DecisionId id = 0;
    ledger::Hold hold;
    Amounts expected, reserve;
    bool paid = false;  // by somebody else: there is no hold, and both amounts are what it cost
  };
  // kInvalidArgument for a reward outside the range that a learning policy declares.
  [[nodiscard]] Result<void> check_reward(std::optional<double> reward) const;
  // Errors: kNotFound for a decision that there never was, or another caller's; kAlreadyExists for one that has ended.
  [[nodiscard]] Result<Taken> take(const DecisionName& name, const Principal& principal);
  // No cost: as expected, and nothing for an auction, which was lost.
  void tell(DecisionId id, const std::optional<Amounts>& cost, std::optional<double> reward);

  [[nodiscard]] std::vector<Taken> overdue(WallTime now);
  [[nodiscard]] std::vector<Taken> finish();

  Result<void> save();  // nothing where nothing changed

  [[nodiscard]] const DecideConfig& config() const { return config_; }
  [[nodiscard]] const Resources& resources() const { return resources_; }
  [[nodiscard]] bool learns() const { return learns_; }  // rewards, from what is observed
  [[nodiscard]] std::size_t arms() const;                // of a policy that learns; 0 of others
  [[nodiscard]] std::vector<double> remaining() const;
  [[nodiscard]] DecisionName name_of(DecisionId id) const { return {config_.name, run_, id}; }

 private:
  enum class Stage : std::uint8_t { kPending, kOpen, kPaid, kTaken };
  struct Entry {
    std::string subject;
    Amounts expected, reserve;
    Stage stage = Stage::kPending;
    ledger::Hold hold;
    WallTime due;
  };
  Decider(DecideConfig config, std::string path, WallTime now);

  Result<void> begin(WallTime now);
  Result<void> start_window(WallTime now);
  void roll(WallTime now);
  Result<bool> restore();  // false: no file, or one of another policy
  [[nodiscard]] boost::json::object state() const;
  [[nodiscard]] boost::json::object setup() const;
  void observe(DecisionId id, const Outcome& outcome);
  void end_oldest_paid();
  static Taken taken(DecisionId id, Entry& entry);

  const DecideConfig config_;
  const std::string path_;
  const Resources resources_;
  const std::uint64_t run_;
  const std::optional<ledger::Window> window_;
  const bool learns_;

  mutable std::mutex mutex_;
  std::unique_ptr<Policy> policy_;
  std::map<DecisionId, Entry> entries_;
  // Of a budget that is there anew in each window: ids go on, and what is open stays in the window that it was taken
  // in.
  DecisionId base_ = 0;  // of the policy's decision 0
  WallTime created_;     // of the policy, or the begin of its window
  WallTime ends_ = WallTime::max();
  double time_s_ = 0;  // of the latest request: a policy's time never falls
  bool changed_ = true;
};

}  // namespace bursar::broker
