#include "bursar/broker/api/api.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "bursar/broker/api/operation.h"
#include "bursar/broker/http/query.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace api {
namespace {

constexpr std::array<Operation, 19> kOperations = {{
    {"GET", "/v1/status", true, get_status},
    {"GET", "/v1/accounts", false, list_accounts},
    {"GET", "/v1/accounts/{account}", false, get_account},
    {"PUT", "/v1/accounts/{account}", true, put_account},
    {"PATCH", "/v1/accounts/{account}", true, patch_account},
    {"POST", "/v1/accounts/{account}:forgive", true, forgive_account},
    {"GET", "/v1/keys", true, list_keys},
    {"POST", "/v1/keys", true, create_key},
    {"GET", "/v1/keys/{key}", true, get_key},
    {"DELETE", "/v1/keys/{key}", true, revoke_key},
    {"GET", "/v1/receipts", false, list_receipts},
    {"GET", "/v1/reservations", false, list_reservations},
    {"POST", "/v1/reservations", false, create_reservation},
    {"GET", "/v1/reservations/{reservation}", false, get_reservation},
    {"POST", "/v1/reservations/{reservation}:settle", false, settle_reservation},
    {"POST", "/v1/reservations/{reservation}:release", false, release_reservation},
    {"POST", "/v1/reservations/{reservation}:extend", false, extend_reservation},
    {"GET", "/v1/audit", true, query_audit},
    {"GET", "/v1/audit:verify", true, verify_audit},
}};

// What {…} stands for, decoded; absent where the path is not of that form.
std::optional<std::string> subject_of(std::string_view pattern, std::string_view path) {
  const std::size_t open = pattern.find('{');
  if (open == std::string_view::npos) return path == pattern ? std::optional<std::string>("") : std::nullopt;
  const std::string_view before = pattern.substr(0, open), after = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) {
    return std::nullopt;
  }
  const std::string_view subject = path.substr(before.size(), path.size() - before.size() - after.size());
  // A name has no colon, so that "acme:forgive" is never an account.
  if (subject.find(':') != std::string_view::npos) return std::nullopt;
  return percent_decoded(subject);
}

}  // namespace

HttpResponse ok(std::string body, int status) { return {.status = status, .body = std::move(body)}; }

HttpResponse failed(const Error& error) {
  const int status = [&] {
    switch (error.code) {
      case ErrorCode::kInvalidArgument: return 400;
      case ErrorCode::kNotFound: return 404;
      case ErrorCode::kAlreadyExists: return 409;
      case ErrorCode::kPermissionDenied: return 403;
      case ErrorCode::kExhausted: return error.retryable ? 429 : 402;
      case ErrorCode::kUnavailable:
      case ErrorCode::kTimeout: return 503;
      default: return 500;
    }
  }();
  return http_error(status, name_of(error.code), error.message);
}

Result<boost::json::value> body_of(const HttpRequest& request, std::initializer_list<std::string_view> members) {
  auto document = parse_json(request.body, {.max_bytes = 64 << 10, .max_depth = 8});
  if (!document) return document;
  if (auto known = JsonView(*document).only(members); !known) return tl::unexpected(known.error());
  return document;
}

Result<std::string> account_for(const Context& context, std::string_view wanted) {
  std::string account(wanted);
  if (may_administer(context.principal)) return account;
  if (account.empty()) account = context.principal.account;
  if (!is_within(account, context.principal.account)) {
    return fail(ErrorCode::kPermissionDenied, "account " + account.substr(0, 200) + " is not below yours, " +
                                                  context.principal.account + "; an admin key sees all");
  }
  return account;
}

Result<std::size_t> limit_of(const HttpRequest& request, std::size_t otherwise, std::size_t most) {
  const auto text = find_query_value(request.target, "limit");
  if (!text) return otherwise;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value == 0 || value > most) {
    return invalid_argument("limit: must be a whole number from 1 to " + std::to_string(most) + ", is \"" +
                            text->substr(0, 40) + "\"");
  }
  return value;
}

Principal seen_by(const Principal& principal) {
  Principal out = principal;
  out.admin = may_administer(principal);
  return out;
}

HttpResponse get_status(Context& context) { return ok(to_json(context.deps.status())); }

}  // namespace api

Api::Api(Dependencies dependencies) : deps_(std::move(dependencies)) {}

bool Api::is_mine(std::string_view path) {
  if (path == "/openapi.json") return true;
  return std::ranges::any_of(api::kOperations, [&](const api::Operation& operation) {
    const std::string_view stem = operation.path.substr(0, operation.path.find_first_of(":{"));
    return path == stem || (path.starts_with(stem) && (stem.ends_with('/') || path[stem.size()] == ':'));
  });
}

HttpResponse Api::answer(const HttpRequest& request, const Principal& principal) {
  std::string allowed;
  if (request.path == "/openapi.json") {
    if (request.method == "GET") return api::ok(std::string(openapi_document()));
    allowed = "GET";
  }
  for (const api::Operation& operation : api::kOperations) {
    auto subject = api::subject_of(operation.path, request.path);
    if (!subject) continue;
    if (operation.method != request.method) {
      allowed.append(allowed.empty() ? "" : ", ").append(operation.method);
      continue;
    }
    if (operation.admin && !may_administer(principal)) {
      return http_error(403, "permission_denied", "An admin key, or a token with the admin scope, is needed.");
    }
    api::Context context{.request = request,
                         .principal = principal,
                         .deps = deps_,
                         .reservations = reservations_,
                         .subject = std::move(*subject)};
    return operation.run(context);
  }
  if (allowed.empty()) return http_error(404, "not_found", "There is nothing here; /openapi.json lists what there is.");
  HttpResponse response = http_error(405, "method_not_allowed", "This door knows " + allowed + ".");
  response.headers.emplace_back("allow", allowed);
  return response;
}

void Api::sweep() { reservations_.sweep(deps_.clock->now()); }

bool may_administer(const Principal& principal) { return principal.admin || principal.subject == "dev"; }

bool is_within(std::string_view account, std::string_view root) {
  return account.starts_with(root) && (account.size() == root.size() || account[root.size()] == '/');
}

}  // namespace bursar::broker
