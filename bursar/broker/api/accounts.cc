#include <algorithm>

#include "bursar/broker/api/account_json.h"
#include "bursar/broker/api/operation.h"
#include "bursar/broker/config/values.h"
#include "bursar/broker/http/query.h"
#include "bursar/core/json.h"

namespace bursar::broker::api {
namespace {

using ledger::AccountSpec;

std::string json_of(Context& context, const AccountSpec& account) {
  auto standings = context.deps.ledger->standing(account.path);
  std::erase_if(standings, [&](const auto& s) { return s.account != account.path; });
  return account_json(account, standings);
}

// bursar.yaml decides what it lists; a change made here would be gone with the next reload, so it is refused.
Result<void> not_configured(const Context& context, bool only_frozen) {
  const auto config = context.deps.config();
  const bool listed = std::ranges::any_of(config->accounts, [&](const auto& a) { return a.path == context.subject; });
  if (!listed || only_frozen) return {};
  return fail(ErrorCode::kAlreadyExists, "account " + context.subject +
                                             " is listed in bursar.yaml: change it there (it is read at once); only "
                                             "frozen is changed here");
}

Result<void> read_limits(const JsonView& list, AccountSpec& account) {
  const auto size = list.array_size(ledger::kMaxLimits);
  if (!size) return tl::unexpected(size.error());
  account.limits.clear();
  for (std::size_t i = 0; i < *size; ++i) {
    const auto item = list.element(i);
    if (!item) return tl::unexpected(item.error());
    const auto limit = item->as_string(200).and_then(parse_limit);
    if (!limit) return tl::unexpected(with_context(item->path(), limit.error()));
    account.limits.push_back(*limit);
  }
  return {};
}

Result<void> read_flag(const JsonView& root, std::string_view name, bool& value) {
  const auto found = root.find(name);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return {};
  const auto flag = (*found)->as_bool();
  if (!flag) return tl::unexpected(flag.error());
  value = *flag;
  return {};
}

HttpResponse write(Context& context, AccountSpec account, int status) {
  const auto body = body_of(context.request, {"limits", "frozen", "sync", "fail_open"});
  if (!body) return failed(body.error());
  const JsonView root(*body);
  const bool only_frozen = body->as_object().size() == 1 && body->as_object().contains("frozen");
  if (auto allowed = not_configured(context, only_frozen && status == 200); !allowed) return failed(allowed.error());
  const auto limits = root.find("limits");
  if (!limits) return failed(limits.error());
  if (*limits) {
    if (auto read = read_limits(**limits, account); !read) return failed(read.error());
  }
  for (auto [name, flag] :
       {std::pair{"frozen", &account.frozen}, {"sync", &account.sync}, {"fail_open", &account.fail_open}}) {
    if (auto read = read_flag(root, name, *flag); !read) return failed(read.error());
  }
  if (auto put = context.deps.ledger->put_account(account); !put) return failed(put.error());
  return ok(json_of(context, account), status);
}

}  // namespace

HttpResponse list_accounts(Context& context) {
  const auto under = account_for(context, query_value(context.request.target, "under"));
  if (!under) return failed(under.error());
  std::string out = "{\"accounts\":[";
  bool first = true;
  const auto accounts = context.deps.ledger->accounts();
  const auto standings = context.deps.ledger->standing(*under);
  std::map<std::string_view, std::vector<ledger::Standing>> by_account;
  for (const auto& s : standings) by_account[s.account].push_back(s);
  for (const AccountSpec& account : accounts) {
    if (!under->empty() && !is_within(account.path, *under)) continue;
    out += std::exchange(first, false) ? "" : ",";
    out += account_json(account, by_account[account.path]);
  }
  return ok(out + "]}");
}

HttpResponse get_account(Context& context) {
  const auto path = account_for(context, context.subject);
  if (!path) return failed(path.error());
  const auto account = context.deps.ledger->account(*path);
  return account ? ok(json_of(context, *account)) : failed(account.error());
}

HttpResponse put_account(Context& context) {
  const bool exists = context.deps.ledger->account(context.subject).has_value();
  if (auto allowed = not_configured(context, false); !allowed) return failed(allowed.error());
  return write(context, {.path = context.subject}, exists ? 200 : 201);
}

HttpResponse patch_account(Context& context) {
  auto account = context.deps.ledger->account(context.subject);
  return account ? write(context, *std::move(account), 200) : failed(account.error());
}

HttpResponse forgive_account(Context& context) {
  if (auto forgiven = context.deps.ledger->forgive_stranded(context.subject); !forgiven) {
    return failed(forgiven.error());
  }
  const auto account = context.deps.ledger->account(context.subject);
  return account ? ok(json_of(context, *account)) : failed(account.error());
}

}  // namespace bursar::broker::api
