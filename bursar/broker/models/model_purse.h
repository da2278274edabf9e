// What one model call holds: the worst case of its attempts, grown before an attempt that needs more, settled once.
//
//   ModelPurse purse;
//   Amounts more = purse.lacking(wanted);                  // empty: what is held covers it
//   purse.add(std::get<ledger::Hold>(std::move(granted)));
//   std::optional<ledger::Receipt> paid = purse.settle(cost, /*uncertain=*/false, call_id);
//
// Whatever is not settled goes back when the purse is dropped. Excess over all that is held is an overrun of the last
// hold, and the receipt shows it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bursar/core/amount.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

class ModelPurse {
 public:
  [[nodiscard]] Amounts lacking(const Amounts& wanted) const;
  void add(ledger::Hold hold);
  [[nodiscard]] const Amounts& held() const { return held_; }
  [[nodiscard]] bool empty() const { return holds_.empty(); }
  // The sums over all holds, and the last one's sequence; nothing where nothing is held.
  [[nodiscard]] std::optional<ledger::Receipt> settle(const Amounts& actual, bool uncertain, const std::string& memo);
  void release();

 private:
  std::vector<ledger::Hold> holds_;
  Amounts held_;
};

}  // namespace bursar::broker
