#include <algorithm>
#include <iterator>

#include "bursar/ledger/simulation_run.h"

namespace bursar::ledger {

const std::vector<std::string>& simulated_paths() {
  static const std::vector<std::string> paths{"o", "o/a", "o/b", "o/a/x", "o/a/y", "o/b/z"};
  return paths;
}

Limit Simulation::random_limit(WindowKind kind) {
  static const std::vector<std::string> zones{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"};
  switch (kind) {
    case WindowKind::kTotal: return {kCalls, static_cast<std::int64_t>(20 + below(400)), {}};
    case WindowKind::kDay: return {kUsd, static_cast<std::int64_t>(100 + below(5'000)), {kind, zones[below(4)]}};
    case WindowKind::kWeek: return {kTokens, static_cast<std::int64_t>(50 + below(2'000)), {kind, zones[below(4)]}};
    case WindowKind::kMonth: return {kCalls, static_cast<std::int64_t>(50 + below(500)), {kind, zones[below(4)]}};
    case WindowKind::kRate: break;
  }
  return {kTokens,
          static_cast<std::int64_t>(40 + below(200)),
          {.kind = WindowKind::kRate, .period = Duration{60 * kSimulatedSecond}}};
}

AccountSpec Simulation::random_spec(const std::string& path) {
  AccountSpec spec{.path = path, .limits = {random_limit(WindowKind::kTotal)}};
  if (chance(50)) spec.limits.push_back(random_limit(WindowKind::kDay));
  if (chance(25)) spec.limits.push_back(random_limit(WindowKind::kWeek));
  if (chance(25)) spec.limits.push_back(random_limit(WindowKind::kMonth));
  if (chance(40)) spec.limits.push_back(random_limit(WindowKind::kRate));
  spec.sync = chance(8);
  spec.fail_open = chance(15);
  return spec;
}

std::string Simulation::random_account() {
  if (model_.accounts.empty()) return "o";
  auto at = model_.accounts.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(below(model_.accounts.size())));
  return at->first;
}

Amounts Simulation::random_amounts(std::int64_t most) {
  Amounts amounts;
  const auto some = [&](Resource r, unsigned percent, std::int64_t limit) {
    if (chance(percent)) (void)amounts.set(r, static_cast<std::int64_t>(below(static_cast<std::uint64_t>(limit))));
  };
  some(kUsd, 70, 5 * most);
  some(kTokens, 70, 2 * most);
  some(kCalls, 90, std::max<std::int64_t>(2, most / 3));
  return amounts;
}

}  // namespace bursar::ledger
