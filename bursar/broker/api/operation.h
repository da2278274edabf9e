// What the operations of the API share: their arguments, and how they answer. Inside this folder only.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "bursar/broker/api/api.h"

namespace bursar::broker::api {

// One call of one operation.
struct Context {
  const HttpRequest& request;
  const Principal& principal;
  Api::Dependencies& deps;
  ReservationTable& reservations;
  std::string subject;  // what the path names: an account, a key, a reservation; decoded
};

struct Operation {
  std::string_view method,
      path;  // "/v1/accounts/{account}"; {…} is the rest of the path up to a suffix such as ":forgive"
  bool admin = true;
  HttpResponse (*run)(Context&);
};

[[nodiscard]] HttpResponse ok(std::string body, int status = 200);
[[nodiscard]] HttpResponse failed(const Error& error);  // 400, 403, 404, 409, 402, 503 by its code
// The request's body as a JSON object with no other members than these.
[[nodiscard]] Result<boost::json::value> body_of(const HttpRequest& request,
                                                 std::initializer_list<std::string_view> members);
// The account that the caller means; an error where it is not the caller's own.
[[nodiscard]] Result<std::string> account_for(const Context& context, std::string_view wanted);
[[nodiscard]] std::string receipt_json(const ledger::Receipt& receipt);
// The principal as the reservation table knows administrators: by `admin`.
[[nodiscard]] Principal seen_by(const Principal& principal);
[[nodiscard]] Result<std::size_t> limit_of(const HttpRequest& request, std::size_t otherwise, std::size_t most);

HttpResponse get_status(Context& context);
HttpResponse list_accounts(Context& context);
HttpResponse get_account(Context& context);
HttpResponse put_account(Context& context);
HttpResponse patch_account(Context& context);
HttpResponse forgive_account(Context& context);
HttpResponse list_keys(Context& context);
HttpResponse create_key(Context& context);
HttpResponse get_key(Context& context);
HttpResponse revoke_key(Context& context);
HttpResponse list_receipts(Context& context);
HttpResponse list_reservations(Context& context);
HttpResponse create_reservation(Context& context);
HttpResponse get_reservation(Context& context);
HttpResponse settle_reservation(Context& context);
HttpResponse release_reservation(Context& context);
HttpResponse extend_reservation(Context& context);
HttpResponse query_audit(Context& context);
HttpResponse verify_audit(Context& context);

}  // namespace bursar::broker::api
