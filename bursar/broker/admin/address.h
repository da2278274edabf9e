// Where the gateway on a database listens, and a secret that lets its owner in: written beside the database, so that
// the command line finds it whatever port the system chose, and may look without a key.
//
//   publish_address("bursar.db", {"http://127.0.0.1:40123", keys.issue_local_admin()});   // bursar.db.url, mode 0600
//   std::optional<LocalAddress> gateway = published_address("bursar.db");
//
// Who can read the file owns the database beside it, and could change that anyway. What was left by a gateway that was
// killed is still there: nobody answers at it, and its secret died with the process.
#pragma once

#include <optional>
#include <string>

#include "bursar/core/result.h"

namespace bursar::broker {

struct LocalAddress {
  std::string url;               // "http://127.0.0.1:8484"
  std::string secret;            // of an admin, as long as the process lives
  std::string certificate = {};  // of an https url: the SHA-256, in hex, of the certificate that answers there
};

Result<void> publish_address(const std::string& database, const LocalAddress& address);  // kUnavailable
void withdraw_address(const std::string& database);
[[nodiscard]] std::optional<LocalAddress> published_address(const std::string& database);

}  // namespace bursar::broker
