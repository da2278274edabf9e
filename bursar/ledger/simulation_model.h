// What is true, kept as simply as possible: the oracle of simulation.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bursar/ledger/ledger.h"

namespace bursar::ledger {

// One limit of one account in the present instance of its window.
struct ModelCell {
  Limit limit;                                   // as last confirmed
  std::int64_t amount_low = 0, amount_high = 0;  // while changes are under way the limit lies between
  std::int64_t begin_us = 0;
  std::uint64_t instance = 0;  // which instance; holds of an older one no longer count here
  std::int64_t base = 0;       // as the engine reported after it opened; a lower bound is checked there
  std::int64_t spent = 0, held = 0, overrun = 0;  // since this process opened
  std::int64_t truth = 0;                         // guaranteed lower bound of spent in all processes
  std::int64_t direct = 0;                        // part of spent + held that was charged to this account itself
  double tokens = 0, tokens_at_us = 0;            // kRate: the ideal bucket; an upper bound while a change is under way
  bool attached = false;
  bool base_known = true;  // false where it was detached when the process opened, and nobody could look
};

struct ModelHold {
  std::string account, key;
  Amounts amounts;
  std::int64_t expires_us = 0;
  std::map<std::string, std::uint64_t> instances;  // by cell name
  bool settled = false, ended = false, guarded = true, late = false, acknowledged = false;
  Receipt receipt;
};

class Model {
 public:
  static std::string cell_name(const std::string& account, const Limit& limit);
  void put_pending(const AccountSpec& spec);                   // asked for
  void attach(const AccountSpec& spec, std::int64_t now_us);   // its restrictions hold
  void confirm(const AccountSpec& spec, std::int64_t now_us);  // it is durable
  void roll(std::int64_t now_us, std::uint64_t& rolled);
  void grant(HoldId id, const ReserveRequest& request, std::int64_t now_us, bool guarded);
  void settle(ModelHold& hold, const Receipt& receipt, bool late, std::int64_t now_us);
  void end(ModelHold& hold, std::int64_t now_us);  // released or expired
  void acknowledge(ModelHold& hold);               // its receipt is durable
  void expire(std::int64_t now_us);
  void crash();  // the process is gone; its open holds may have spent
  [[nodiscard]] std::vector<std::string> path(const std::string& leaf) const;  // root first
  // Empty, or what is wrong with having granted this.
  [[nodiscard]] std::string over_limit(const std::string& leaf, const Amounts& amounts) const;

  std::map<std::string, AccountSpec> accounts;   // with limits that are attached and not yet durable
  std::map<std::string, AccountSpec> confirmed;  // as last acknowledged
  std::map<std::string, ModelCell> cells;
  std::map<HoldId, ModelHold> holds;

 private:
  void refill(ModelCell& cell, std::int64_t now_us) const;
  template <class F>
  void each_cell(const std::string& leaf, F&& f);
  std::uint64_t next_instance_ = 1;
};

}  // namespace bursar::ledger
