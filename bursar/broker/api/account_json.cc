#include "bursar/broker/api/account_json.h"

#include <array>
#include <utility>

#include "bursar/core/json.h"
#include "bursar/core/utc_text.h"

namespace bursar::broker {
namespace {

using ledger::Standing;

constexpr std::size_t kMaxAccounts = 100'000;

constexpr std::array<std::pair<std::string_view, std::int64_t Standing::*>, 5> kNumbers = {
    {{"spent", &Standing::spent},
     {"held", &Standing::held},
     {"left", &Standing::left},
     {"overrun", &Standing::overrun},
     {"stranded", &Standing::stranded}}};

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  append_json_string(out, text);
}

std::string limit_json(const Standing& s) {
  std::string out = "{\"limit\":" + json_string(to_string(Amount{s.limit.resource, s.limit.amount}));
  append_member(out, "window", ledger::to_string(s.limit.window));
  for (const auto& [name, member] : kNumbers) append_member(out, name, to_string(Amount{s.limit.resource, s.*member}));
  out += ",\"refills_at\":";
  out += s.refills_at ? json_string(utc_text(*s.refills_at)) : "null";
  return out + "}";
}

Result<Amount> amount_at(const JsonView& view, std::string_view name) {
  const auto text = view.string_at(name, 100);
  if (!text) return tl::unexpected(text.error());
  return parse_amount(*text).map_error([&](Error e) { return with_context(view.path() + "." + std::string(name), e); });
}

Result<Standing> limit_of(const JsonView& view, std::string_view account, bool frozen) {
  Standing s{.account = std::string(account), .frozen = frozen};
  const auto limit = amount_at(view, "limit");
  if (!limit) return tl::unexpected(limit.error());
  s.limit.resource = limit->resource;
  s.limit.amount = limit->units;
  const auto window = view.string_at("window", 200).and_then(ledger::parse_window);
  if (!window) return tl::unexpected(window.error());
  s.limit.window = *window;
  for (const auto& [name, member] : kNumbers) {
    const auto amount = amount_at(view, name);
    if (!amount) return tl::unexpected(amount.error());
    if (amount->resource != limit->resource) return view.wrong("is in two resources");
    s.*member = amount->units;
  }
  const auto refills = view.at("refills_at");
  if (!refills) return tl::unexpected(refills.error());
  if (refills->value().is_null()) return s;
  const auto at = refills->as_string(100).and_then(parse_utc);
  if (!at) return tl::unexpected(at.error());
  s.refills_at = *at;
  return s;
}

Result<void> read_account(const JsonView& view, std::vector<Standing>& out) {
  const auto account = view.string_at("account", 1100);
  if (!account) return tl::unexpected(account.error());
  const auto frozen = view.bool_at("frozen");
  if (!frozen) return tl::unexpected(frozen.error());
  const auto limits = view.at("limits");
  if (!limits) return tl::unexpected(limits.error());
  const auto size = limits->array_size(ledger::kMaxLimits);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto limit =
        limits->element(i).and_then([&](const JsonView& item) { return limit_of(item, *account, *frozen); });
    if (!limit) return tl::unexpected(limit.error());
    out.push_back(*limit);
  }
  return {};
}

}  // namespace

std::string account_json(const ledger::AccountSpec& account, const std::vector<Standing>& standings) {
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  std::string out = "{\"account\":" + json_string(account.path) + ",\"frozen\":" + flag(account.frozen) +
                    ",\"sync\":" + flag(account.sync) + ",\"fail_open\":" + flag(account.fail_open) + ",\"limits\":[";
  for (std::size_t i = 0; i < standings.size(); ++i) out += (i == 0 ? "" : ",") + limit_json(standings[i]);
  return out + "]}";
}

Result<std::vector<Standing>> parse_accounts(std::string_view json) {
  const auto document = parse_json(json, {.max_bytes = 64 << 20});
  if (!document) return tl::unexpected(document.error());
  const auto accounts = JsonView(*document).at("accounts");
  if (!accounts) return tl::unexpected(accounts.error());
  const auto size = accounts->array_size(kMaxAccounts);
  if (!size) return tl::unexpected(size.error());
  std::vector<Standing> out;
  for (std::size_t i = 0; i < *size; ++i) {
    const auto read = accounts->element(i).and_then([&](const JsonView& item) { return read_account(item, out); });
    if (!read) return tl::unexpected(read.error());
  }
  return out;
}

}  // namespace bursar::broker
