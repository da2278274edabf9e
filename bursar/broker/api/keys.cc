#include <algorithm>

#include "bursar/broker/api/operation.h"
#include "bursar/core/json.h"
#include "bursar/core/utc_text.h"

namespace bursar::broker::api {
namespace {

std::string time_json(const std::optional<WallTime>& time) { return time ? json_string(utc_text(*time)) : "null"; }

// Members without braces, so that a new key's secret can go before them.
std::string members_of(const KeyInfo& key) {
  std::string scopes;
  for (const auto& scope : key.scopes) scopes += (scopes.empty() ? "" : ",") + json_string(scope);
  return "\"name\":" + json_string(key.name) + ",\"account\":" + json_string(key.account) + ",\"scopes\":[" + scopes +
         "],\"admin\":" + (key.admin ? "true" : "false") + ",\"created\":" + time_json(key.created) +
         ",\"expires\":" + time_json(key.expires) + ",\"revoked\":" + time_json(key.revoked) +
         ",\"hint\":" + json_string(key.hint);
}

Result<void> read_scopes(const JsonView& root, NewKey& key) {
  const auto list = root.find("scopes");
  if (!list) return tl::unexpected(list.error());
  if (!*list) return {};
  const auto size = (*list)->array_size(64);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto scope = (*list)->element(i).and_then([](const JsonView& item) { return item.as_string(200); });
    if (!scope) return tl::unexpected(scope.error());
    key.scopes.emplace_back(*scope);
  }
  return {};
}

Result<NewKey> read_key(const JsonView& root) {
  NewKey key;
  const auto name = root.string_at("name", 64);
  if (!name) return tl::unexpected(name.error());
  key.name = *name;
  const auto account = root.string_at("account", 1100);
  if (!account) return tl::unexpected(account.error());
  key.account = *account;
  if (auto scopes = read_scopes(root, key); !scopes) return tl::unexpected(scopes.error());
  const auto admin = root.find("admin");
  if (!admin) return tl::unexpected(admin.error());
  if (*admin) {
    const auto flag = (*admin)->as_bool();
    if (!flag) return tl::unexpected(flag.error());
    key.admin = *flag;
  }
  const auto expires = root.find("expires");
  if (!expires) return tl::unexpected(expires.error());
  if (*expires) {
    const auto at = (*expires)->as_string(64).and_then(parse_utc);
    if (!at) return tl::unexpected(with_context("$.expires", at.error()));
    key.expires = *at;
  }
  return key;
}

Result<KeyInfo> find(const Context& context) {
  const auto keys = context.deps.keys->list();
  if (!keys) return tl::unexpected(keys.error());
  const auto found = std::ranges::find(*keys, context.subject, &KeyInfo::name);
  if (found == keys->end()) return fail(ErrorCode::kNotFound, "there is no key " + context.subject.substr(0, 64));
  return *found;
}

}  // namespace

HttpResponse list_keys(Context& context) {
  const auto keys = context.deps.keys->list();
  if (!keys) return failed(keys.error());
  std::string out;
  for (const KeyInfo& key : *keys) out += (out.empty() ? "{" : ",{") + members_of(key) + "}";
  return ok("{\"keys\":[" + out + "]}");
}

HttpResponse create_key(Context& context) {
  const auto body = body_of(context.request, {"name", "account", "scopes", "admin", "expires"});
  if (!body) return failed(body.error());
  const auto wanted = read_key(JsonView(*body));
  if (!wanted) return failed(wanted.error());
  if (wanted->expires && *wanted->expires <= context.deps.clock->now()) {
    return failed({.code = ErrorCode::kInvalidArgument, .message = "$.expires: must be in the future"});
  }
  if (const auto account = context.deps.ledger->account(wanted->account); !account) {
    return failed({.code = ErrorCode::kInvalidArgument,
                   .message = "$.account: there is no account " + wanted->account + "; make it first"});
  }
  const auto made = context.deps.keys->create(*wanted);
  if (!made) return failed(made.error());
  HttpResponse response = ok("{\"secret\":" + json_string(made->secret) + "," + members_of(made->info) + "}", 201);
  response.headers.emplace_back("cache-control", "no-store");
  return response;
}

HttpResponse get_key(Context& context) {
  const auto key = find(context);
  return key ? ok("{" + members_of(*key) + "}") : failed(key.error());
}

HttpResponse revoke_key(Context& context) {
  const auto key = context.deps.keys->revoke(context.subject);
  return key ? ok("{" + members_of(*key) + "}") : failed(key.error());
}

}  // namespace bursar::broker::api
