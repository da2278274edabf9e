// Who is asking, and which account pays.
//
//   Principal by_key{.subject = "key:ada-laptop", .account = "acme/research/ada"};
//   Principal by_token{.subject = "id.example.com:ada", .account = "acme/ada", .groups = {"research"},
//                      .issuer = "https://id.example.com", .token = kept};
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bursar/core/clock.h"

namespace bursar::broker {

class SubjectToken;  // identity/subject_token.h

struct Principal {
  std::string subject;  // "key:ada-laptop", "dev", "<issuer's host>:<sub>"; never a secret
  std::string account;  // the ledger account that is charged
  std::vector<std::string> scopes = {};
  bool admin = false;
  std::vector<std::string> groups = {};
  std::string issuer = {};  // of a token, exactly as it says; empty for a key
  // What the caller showed, for a token exchange only: never forwarded, never printed, wiped with its last holder.
  // Null where no upstream exchanges.
  std::shared_ptr<const SubjectToken> token = nullptr;

  // When what it showed ends, a token or a key: streams that are open then end too. Absent: it does not end.
  std::optional<WallTime> until = {};

  // The same caller with the same rights; by which token it said so does not matter.
  bool operator==(const Principal& other) const {
    return subject == other.subject && account == other.account && scopes == other.scopes && admin == other.admin &&
           groups == other.groups && issuer == other.issuer;
  }
};

}  // namespace bursar::broker
