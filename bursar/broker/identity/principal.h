// Who is asking, and which account pays.
#pragma once

#include <string>
#include <vector>

namespace bursar::broker {

struct Principal {
  std::string subject;  // "key:ada-laptop", "dev"; never a secret
  std::string account;  // the ledger account that is charged
  std::vector<std::string> scopes = {};
  bool admin = false;
  bool operator==(const Principal&) const = default;
};

}  // namespace bursar::broker
