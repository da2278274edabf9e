// The doors beside /mcp: /healthz, /readyz, /metrics, and /admin for those who may.
//
//   Doors doors({.status = …, .ledger = &ledger, .metrics = &metrics, .authenticate = …});
//   doors.handle(request, *exchange);
//
//   GET  /healthz, /readyz        anybody
//   GET  /metrics                 anybody on loopback; an admin key elsewhere
//   GET  /admin/status, /admin/budget[?under=<account>]      an admin key, or the development principal
//   POST /admin/freeze, /admin/unfreeze  {"account": "acme/ada"}                         the same
// Origin and Host are checked for all of them, as for /mcp. Anything else is 404.
#pragma once

#include <functional>
#include <memory>

#include "bursar/broker/admin/status.h"
#include "bursar/broker/http/server.h"
#include "bursar/broker/pipeline/authenticate.h"

namespace bursar::broker {

class Doors {
 public:
  struct Dependencies {
    std::function<GatewayStatus()> status;
    std::function<Authentication(const HttpRequest&)> authenticate;
    ledger::Ledger* ledger = nullptr;
    Metrics* metrics = nullptr;
  };
  explicit Doors(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  [[nodiscard]] HttpResponse answer(const HttpRequest& request) const;

 private:
  [[nodiscard]] HttpResponse admin(const HttpRequest& request) const;
  [[nodiscard]] HttpResponse freeze(const HttpRequest& request, bool frozen) const;

  Dependencies dependencies_;
};

// What a browser page of an allowed origin needs to read an answer (CORS); empty where the request has no Origin.
[[nodiscard]] HttpHeaders cors_headers(const HttpRequest& request);

}  // namespace bursar::broker
