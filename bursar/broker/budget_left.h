// What every account may still spend, for the budgets in results: a picture that is renewed about once a second, so
// that no call has to ask the ledger twice.
//
//   left.update(ledger.standing());
//   Amounts a = left.of("acme/ada");   // the least of it and of all above it, per resource
//
// Thread-safe; update() O(accounts), of() O(depth).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bursar/core/amount.h"
#include "bursar/core/published.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

class BudgetLeft {
 public:
  // Parents before children, as standing() gives them.
  void update(const std::vector<ledger::Standing>& standings);
  [[nodiscard]] Amounts of(std::string_view account) const;  // nothing where nothing limits it

 private:
  using Table = std::unordered_map<std::string, Amounts>;
  [[nodiscard]] static Amounts nearest(const Table& table, std::string_view account);
  Published<const Table> table_;
};

}  // namespace bursar::broker
