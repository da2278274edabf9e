// The administration of a running gateway over HTTP: accounts, keys, receipts, reservations, the audit trail, status.
//
//   Api api({.ledger = &ledger, .keys = &keys, .clock = &clock, …});
//   if (Api::is_mine(request.path)) exchange->answer(api.answer(request, principal));
//
// Who may: an administrator (an admin key, a token with identity.admin_scope, the development principal) everything;
// any other principal reads its own account and what is below it, and reserves from there. /openapi.json describes
// every operation; a test holds the two together. Amounts are text as in bursar.yaml ("12.50 usd"), times RFC 3339.
// Errors: {"error":{"code":…,"message":…},"request_id":…}; the message names the field, the value and what to do.
// answer() may wait for the disk: call it on a Workers thread. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bursar/broker/admin/status.h"
#include "bursar/broker/api/reservation_table.h"
#include "bursar/broker/config/config.h"
#include "bursar/broker/http/server.h"
#include "bursar/broker/identity/keys.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

class Api {
 public:
  struct Dependencies {
    ledger::Ledger* ledger = nullptr;
    KeyStore* keys = nullptr;
    const Clock* clock = nullptr;
    std::function<std::shared_ptr<const Config>()> config;
    std::function<GatewayStatus()> status;
    std::function<void()> flush_audit = {};  // before the trail is read: whoever asks sees all that was answered before
  };
  explicit Api(Dependencies dependencies);

  [[nodiscard]] static bool is_mine(std::string_view path);
  [[nodiscard]] HttpResponse answer(const HttpRequest& request, const Principal& principal);
  void sweep();  // once a second: forgets reservations that ended long ago

 private:
  Dependencies deps_;
  ReservationTable reservations_;
};

[[nodiscard]] bool may_administer(const Principal& principal);
// Whether `account` is `root` or below it.
[[nodiscard]] bool is_within(std::string_view account, std::string_view root);
[[nodiscard]] std::string_view openapi_document();

}  // namespace bursar::broker
