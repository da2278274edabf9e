// A credential of the gateway's own for an HTTP upstream that can end, be refused and be renewed: an OAuth token.
//
//   if (const auto header = credential->header()) head += "Authorization: " + *header;
//   …
//   credential->refused({.status = 401, .challenge = www_authenticate, .used = header_that_was_sent},
//                       [](Result<void> again) { if (again) send_again(); });
//
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "bursar/core/result.h"

namespace bursar::broker {

// How a server refused a request for its credential.
struct CredentialRefusal {
  int status = 0;         // 401 or 403
  std::string challenge;  // WWW-Authenticate; several joined by ", "
  std::string used;       // the value of Authorization that was sent; empty: none
};

class UpstreamCredential {
 public:
  virtual ~UpstreamCredential() = default;
  // The value of Authorization now; null where there is none, and the request goes without. Never blocks.
  [[nodiscard]] virtual std::shared_ptr<const std::string> header() = 0;
  // Whether the request is to be sent again; an error says, without a secret, what somebody has to do, and is empty
  // where the refusal is none of ours. `done` runs once, on any thread, perhaps before this returns.
  virtual void refused(CredentialRefusal refusal, std::function<void(Result<void> again)> done) = 0;
};

}  // namespace bursar::broker
