#include "bursar/admit/policies.h"

#include <vector>

#include "bursar/admit/auction/auction_policy.h"
#include "bursar/admit/matching/matching_policies.h"
#include "bursar/admit/price_policies.h"

namespace bursar::admit {

PolicyTable policies() {
  static const std::vector<PolicyEntry> table = [] {
    std::vector<PolicyEntry> all;
    const auto add = [&all](PolicyTable entries) { all.insert(all.end(), entries.begin(), entries.end()); };
    add(price_policies());
    add(matching_policies());
    add(auction_policies());
    return all;
  }();
  return table;
}

}  // namespace bursar::admit
