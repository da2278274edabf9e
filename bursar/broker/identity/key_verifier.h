// Turns the secret that a caller shows into who the caller is.
//
//   if (std::optional<Principal> who = keys.verify(secret)) call.principal = *who;
//
// The authenticate stage sees only this; KeyStore (identity/keys.h) is the implementation, tests bring their own.
#pragma once

#include <optional>
#include <string_view>

#include "bursar/broker/identity/principal.h"

namespace bursar::broker {

class KeyVerifier {
 public:
  virtual ~KeyVerifier() = default;
  // Absent for a secret that is unknown, revoked or expired: callers are told nothing more. Thread-safe; in memory.
  [[nodiscard]] virtual std::optional<Principal> verify(std::string_view secret) const = 0;
};

}  // namespace bursar::broker
