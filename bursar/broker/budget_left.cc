#include "bursar/broker/budget_left.h"

#include <algorithm>

namespace bursar::broker {

Amounts BudgetLeft::nearest(const Table& table, std::string_view account) {
  while (true) {
    if (const auto found = table.find(std::string(account)); found != table.end()) return found->second;
    const std::size_t slash = account.rfind('/');
    if (slash == std::string_view::npos) return {};
    account = account.substr(0, slash);
  }
}

void BudgetLeft::update(const std::vector<ledger::Standing>& standings) {
  auto table = std::make_shared<Table>();
  for (const ledger::Standing& line : standings) {
    const Amounts above = nearest(*table, line.account);
    Amounts& own = table->try_emplace(line.account, above).first->second;
    const auto items = own.items();
    const bool known = std::any_of(items.begin(), items.end(),
                                   [&](const Amount& item) { return item.resource == line.limit.resource; });
    const std::int64_t most = std::max<std::int64_t>(line.left, 0);
    (void)own.set(line.limit.resource, known ? std::min(own[line.limit.resource], most) : most);
  }
  table_.store(std::move(table));
}

Amounts BudgetLeft::of(std::string_view account) const {
  const auto table = table_.load();
  return table ? nearest(*table, account) : Amounts{};
}

}  // namespace bursar::broker
