#include "bursar/broker/models/model_purse.h"

#include <algorithm>

namespace bursar::broker {

Amounts ModelPurse::lacking(const Amounts& wanted) const {
  Amounts out;
  for (const Amount& amount : wanted.items()) {
    const std::int64_t more = amount.units - held_[amount.resource];
    if (more > 0) (void)out.set(amount.resource, more);
  }
  return out;
}

void ModelPurse::add(ledger::Hold hold) {
  // A sum that leaves 64 bits cannot come from amounts that the ledger granted.
  (void)held_.add(hold.amounts());
  holds_.push_back(std::move(hold));
}

std::optional<ledger::Receipt> ModelPurse::settle(const Amounts& actual, bool uncertain, const std::string& memo) {
  std::optional<ledger::Receipt> sum;
  Amounts rest = actual;
  for (std::size_t i = 0; i < holds_.size(); ++i) {
    Amounts part = rest;
    if (i + 1 < holds_.size()) {
      for (const Amount& amount : rest.items()) {
        (void)part.set(amount.resource, std::min(amount.units, holds_[i].amounts()[amount.resource]));
      }
    }
    auto receipt = holds_[i].settle({.actual = part, .uncertain = uncertain, .memo = memo});
    (void)rest.subtract(part);
    if (!receipt) continue;  // the ledger has logged why; what is left of the hold went back
    if (sum) {
      (void)receipt->reserved.add(sum->reserved);
      (void)receipt->actual.add(sum->actual);
      (void)receipt->overrun.add(sum->overrun);
    }
    sum = std::move(*receipt);
  }
  holds_.clear();
  held_ = {};
  return sum;
}

void ModelPurse::release() {
  holds_.clear();
  held_ = {};
}

}  // namespace bursar::broker
