// What /healthz and /readyz answer. Open to anybody, so they name what fails and never why.
//
//   HealthAnswer answer = readyz(status);       // 503 while draining, or while nothing may be spent
#pragma once

#include <string>

#include "bursar/broker/admin/status.h"

namespace bursar::broker {

struct HealthAnswer {
  int status = 200;
  std::string body;  // application/json
};

// The process lives and answers: 200, always. {"status":"ok","version":…,"listen":…}
[[nodiscard]] HealthAnswer healthz(const GatewayStatus& status);

// Calls can be served: 200 {"status":"ready",…}, or 503 {"status":"not_ready","reasons":["ledger"],…}. Reasons:
// draining, ledger, audit, and upstreams where there are some and none is up. What works only in part is listed, and
// stays 200.
[[nodiscard]] HealthAnswer readyz(const GatewayStatus& status);

}  // namespace bursar::broker
