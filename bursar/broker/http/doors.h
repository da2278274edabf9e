// The doors beside /mcp: /healthz, /readyz, /metrics, and the API of the administrators (api/api.h).
//
//   Doors doors({.status = …, .authenticate = …, .api = &api, .workers = &workers, .metrics = &metrics});
//   doors.handle(std::move(request), exchange);
//
//   GET  /healthz, /readyz, /openapi.json   anybody
//   GET  /metrics                           anybody on loopback; an administrator elsewhere
//   /v1/accounts, …                         as the API says; answered on a worker, for it may wait for the disk
// Origin and Host are checked for all of them, as for /mcp. Anything else is 404.
#pragma once

#include <functional>
#include <memory>

#include "bursar/broker/admin/status.h"
#include "bursar/broker/api/api.h"
#include "bursar/broker/http/server.h"
#include "bursar/broker/http/workers.h"
#include "bursar/broker/pipeline/authenticate.h"

namespace bursar::broker {

class Doors {
 public:
  struct Dependencies {
    std::function<GatewayStatus()> status;
    std::function<Authentication(const HttpRequest&)> authenticate;
    Api* api = nullptr;
    Workers* workers = nullptr;
    Metrics* metrics = nullptr;
  };
  explicit Doors(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  void handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange) const;

 private:
  [[nodiscard]] HttpResponse answer(const HttpRequest& request, const Authentication& who) const;

  Dependencies dependencies_;
};

// What a browser page of an allowed origin needs to read an answer (CORS); empty where the request has no Origin.
[[nodiscard]] HttpHeaders cors_headers(const HttpRequest& request);

}  // namespace bursar::broker
