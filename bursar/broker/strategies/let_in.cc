#include "bursar/broker/strategies/let_in.h"

#include "bursar/broker/models/model_answer.h"
#include "bursar/broker/pipeline/raw_json.h"

namespace bursar::broker {

std::optional<Principal> let_in(const std::function<Authentication(const HttpRequest&)>& authenticate,
                                const HttpRequest& request, std::string_view method, Exchange& exchange) {
  Authentication who = authenticate(request);
  if (const auto* refusal = std::get_if<HttpRefusal>(&who)) {
    const std::string message = raw_string(raw_member(raw_member(refusal->body, "error"), "message"), "Not allowed.");
    HttpResponse response =
        plain_refusal(refusal->status, refusal->status == 401 ? "invalid_api_key" : "forbidden", message);
    if (!refusal->www_authenticate.empty()) {
      response.headers.emplace_back("www-authenticate", refusal->www_authenticate);
    }
    exchange.answer(std::move(response));
    return std::nullopt;
  }
  if (request.method != method) {
    HttpResponse response = plain_refusal(405, "method_not_allowed", "This endpoint does not know that method.");
    response.headers.emplace_back("allow", method);
    exchange.answer(std::move(response));
    return std::nullopt;
  }
  return std::move(std::get<Principal>(who));
}

}  // namespace bursar::broker
