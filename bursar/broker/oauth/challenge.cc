#include "bursar/broker/oauth/challenge.h"

#include <algorithm>
#include <optional>

#include "bursar/broker/net/header_text.h"

namespace bursar::broker::oauth {
namespace {

constexpr std::size_t kMaxHeader = 8 << 10, kMaxScopes = 64, kMaxScope = 256;

bool is_scope(std::string_view word) {
  return !word.empty() && word.size() <= kMaxScope &&
         std::ranges::all_of(word, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// Takes the header apart: schemes, and the parameters that follow each of them.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  struct Item {
    std::string name;
    std::optional<std::string> value;  // absent: the name is a scheme
  };

  std::optional<Item> next() {
    skip(" \t,");
    const std::size_t end = std::min(rest_.find_first_of(" \t,=\""), rest_.size());
    if (end == 0) return std::nullopt;  // nothing left, or nothing that we understand
    Item item{.name = std::string(take(end)), .value = std::nullopt};
    skip(" \t");
    if (!rest_.starts_with('=')) return item;
    rest_.remove_prefix(1);
    skip(" \t=");  // more of them end a token68
    item.value =
        rest_.starts_with('"') ? quoted() : std::string(take(std::min(rest_.find_first_of(" \t,"), rest_.size())));
    return item;
  }

 private:
  void skip(std::string_view what) { rest_.remove_prefix(std::min(rest_.find_first_not_of(what), rest_.size())); }
  std::string_view take(std::size_t size) {
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  std::string quoted() {
    std::string out;
    for (rest_.remove_prefix(1); !rest_.empty(); rest_.remove_prefix(1)) {
      if (rest_.front() == '"') {
        rest_.remove_prefix(1);
        break;
      }
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      out += rest_.front();
    }
    return out;
  }

  std::string_view rest_;
};

void put(Challenge& challenge, const std::string& name, const std::string& value) {
  if (same_ignoring_case(name, "resource_metadata") && is_visible(value)) challenge.resource_metadata = value;
  if (same_ignoring_case(name, "error") && is_scope(value)) challenge.error = value;
  if (same_ignoring_case(name, "scope")) challenge.scopes = split_scopes(value);
}

}  // namespace

Challenge read_challenge(std::string_view header) {
  if (header.size() > kMaxHeader) return {};
  Challenge best, current;
  const auto settle = [&] {
    const bool better =
        current.bearer && (!best.bearer || (best.resource_metadata.empty() && !current.resource_metadata.empty()));
    if (better) best = current;
    current = {};
  };
  Reader reader(header);
  while (const auto item = reader.next()) {
    if (!item->value) {
      settle();
      current.bearer = same_ignoring_case(item->name, "Bearer");
    } else if (current.bearer) {
      put(current, item->name, *item->value);
    }
  }
  settle();
  return best;
}

Scopes split_scopes(std::string_view text) {
  Scopes out;
  while (!text.empty() && out.size() < kMaxScopes) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (is_scope(word) && !has_scope(out, word)) out.emplace_back(word);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return out;
}

std::string join_scopes(const Scopes& scopes) {
  std::string out;
  for (const std::string& scope : scopes) out.append(out.empty() ? "" : " ").append(scope);
  return out;
}

Scopes united(Scopes first, const Scopes& then) {
  for (const std::string& scope : then) {
    if (first.size() < kMaxScopes && !has_scope(first, scope)) first.push_back(scope);
  }
  return first;
}

bool has_scope(const Scopes& scopes, std::string_view scope) {
  return std::ranges::find(scopes, scope) != scopes.end();
}

bool has_all(const Scopes& scopes, const Scopes& wanted) {
  return std::ranges::all_of(wanted, [&](const std::string& scope) { return has_scope(scopes, scope); });
}

}  // namespace bursar::broker::oauth
