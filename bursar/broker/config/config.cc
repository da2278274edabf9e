#include "bursar/broker/config/config.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "bursar/broker/config/identity_check.h"
#include "bursar/broker/config/loader.h"
#include "bursar/broker/decide_door/decide_check.h"
#include "bursar/broker/models/model_check.h"
#include "bursar/broker/strategies/strategy_check.h"

namespace bursar::broker {
namespace {

std::string element(std::string_view list, std::size_t index, std::string_view field = {}) {
  std::string out = std::string(list) + '[' + std::to_string(index) + ']';
  return field.empty() ? out : out.append(".").append(field);
}

// The place of a list's element and its field in the document, for errors that concern more than one value.
const YamlNode& place_of(const YamlNode& root, std::string_view list, std::size_t index, std::string_view field) {
  const YamlNode* items = &root;
  for (std::string_view rest = list; items != nullptr && !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find('.'));
    items = items->find(name);
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  if (items == nullptr) return root;
  if (index >= items->items.size()) return *items;
  const YamlNode* value = items->items[index].find(field.substr(0, field.find('.')));
  return value != nullptr ? *value : items->items[index];
}

constexpr std::size_t kMinSecret = 16;

class Checker {
 public:
  Checker(const YamlNode& root, Config& config, Problems& problems)
      : root_(root), config_(config), problems_(problems) {}

  void run() {
    check_accounts();
    check_upstreams();
    const auto report = [this](std::string_view list, std::size_t index, std::string_view field, auto what) {
      const bool element_of = index != static_cast<std::size_t>(-1);
      const std::string whole = field.empty() ? std::string(list) : std::string(list) + '.' + std::string(field);
      problems_.add(place_of(root_, list, index, field), element_of ? element(list, index, field) : whole, what);
    };
    check_identity(config_, report);
    check_models(config_, report);
    check_policies(config_, report);
    check_strategies(config_, report);
    if (auto ok = schedule::check(config_.turn.atba); !ok) problems_.add(root_, "turn.atba", ok.error().message);
    if (config_.database.empty()) problems_.add(root_, "database", "must name a file");
    if (const std::size_t size = config_.handles.secret.size(); size > 0 && size < kMinSecret) {
      problems_.add(root_, "handles.secret", "must have at least 16 bytes, better 32 random ones");
    }
    if (config_.listen.address.empty()) problems_.add(root_, "listen.address", "must not be empty");
  }

 private:
  void wrong(std::string_view list, std::size_t index, std::string_view field, std::string_view what) {
    problems_.add(place_of(root_, list, index, field), element(list, index, field), what);
  }

  void check_accounts() {
    std::set<std::string, std::less<>> paths;
    auto& accounts = config_.accounts;
    for (std::size_t i = 0; i < accounts.size(); ++i) {
      if (accounts[i].path.empty()) continue;  // reported as missing
      if (auto ok = ledger::check(accounts[i]); !ok) wrong("accounts", i, "path", ok.error().message);
      if (!paths.insert(accounts[i].path).second)
        wrong("accounts", i, "path", "\"" + accounts[i].path + "\" stands twice");
    }
    for (std::size_t i = 0; i < accounts.size(); ++i) {
      const std::size_t slash = accounts[i].path.rfind('/');
      if (slash == std::string::npos || paths.contains(accounts[i].path.substr(0, slash))) continue;
      wrong("accounts", i, "path", "the parent \"" + accounts[i].path.substr(0, slash) + "\" is missing; list it too");
    }
    add_development_account(paths);
    std::ranges::stable_sort(accounts, {}, [](const auto& a) { return std::ranges::count(a.path, '/'); });
  }

  // Without it the development principal would have nothing to pay with.
  void add_development_account(const std::set<std::string, std::less<>>& paths) {
    const std::string& path = config_.identity.development_account;
    if (!config_.identity.development || paths.contains(path)) return;
    if (path.find('/') != std::string::npos) {
      problems_.add(root_, "identity.development_account", "\"" + path + "\" is not among the accounts; list it");
    } else if (auto ok = ledger::check({.path = path}); !ok) {
      problems_.add(root_, "identity.development_account", ok.error().message);
    } else {
      config_.accounts.push_back({.path = path});
    }
  }

  void check_upstreams() {
    std::set<std::string, std::less<>> names, prefixes;
    for (std::size_t i = 0; i < config_.upstreams.size(); ++i) {
      const UpstreamConfig& u = config_.upstreams[i];
      check_name(i, u.name);
      if (!names.insert(u.name).second) wrong("upstreams", i, "name", "\"" + u.name + "\" stands twice");
      const std::string prefix = u.prefix.value_or(u.name + ".");
      check_prefix(i, prefix);
      if (!prefixes.insert(prefix).second) {
        wrong("upstreams", i, u.prefix ? "prefix" : "name",
              "the prefix \"" + prefix + "\" stands twice; give one of them another");
      }
      check_transport(i, u);
    }
  }

  void check_name(std::size_t i, std::string_view name) {
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    if (name.empty() && place_of(root_, "upstreams", i, "name").kind == YamlNode::Kind::kMap)
      return;  // reported as missing
    if (name.empty() || name.size() > 32 || name.find_first_not_of(kAllowed) != std::string_view::npos) {
      wrong("upstreams", i, "name", "must be 1 to 32 of a-z 0-9 _ -");
    }
    if (name == "bursar") wrong("upstreams", i, "name", "\"bursar\" is the gateway itself; choose another");
  }

  void check_prefix(std::size_t i, std::string_view prefix) {
    const auto allowed = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
             c == '.';
    };
    if (prefix.size() > 40 || !std::ranges::all_of(prefix, allowed)) {
      wrong("upstreams", i, "prefix", "must be at most 40 of A-Z a-z 0-9 _ - .");
    }
  }

  void check_transport(std::size_t i, const UpstreamConfig& u) {
    if (u.command.empty() == u.url.empty()) {
      return wrong("upstreams", i, "",
                   u.url.empty() ? "needs a command or a url" : "has a command and a url; keep one");
    }
    if (!u.url.empty() && !u.url.starts_with("http://") && !u.url.starts_with("https://")) {
      wrong("upstreams", i, "url", "must begin with http:// or https://");
    }
    if (!u.command.empty() && !u.headers.empty())
      wrong("upstreams", i, "headers", "belong to a url; use env for a command");
    if (!u.url.empty() && !u.env.empty()) wrong("upstreams", i, "env", "belongs to a command; use headers for a url");
    if (!u.url.empty() && !u.args.empty()) wrong("upstreams", i, "args", "belong to a command");
  }

  const YamlNode& root_;
  Config& config_;
  Problems& problems_;
};

void declare_resources(const YamlNode& root, Problems& problems) {
  const YamlNode* list = root.find("resources");
  if (list == nullptr || list->items.size() > 32) return;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    if (auto ok = Resource::declare(list->items[i].text); !ok) {
      problems.add(list->items[i], element("resources", i), ok.error().message);
    }
  }
}

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<Config> parse_config(std::string_view yaml, std::string_view file_name, const Environment& env) {
  auto root = parse_yaml(yaml, file_name);
  if (!root) return tl::unexpected(root.error());
  Problems problems(file_name);
  if (root->kind == YamlNode::Kind::kNull) root->kind = YamlNode::Kind::kMap;  // an empty file: all defaults
  if (root->kind != YamlNode::Kind::kMap) {
    problems.add(*root, "", "must be a map of fields such as listen and upstreams");
    return tl::unexpected(problems.to_error());
  }
  replace_environment(*root, env, "", problems);
  if (!problems.empty()) return tl::unexpected(problems.to_error());
  declare_resources(*root, problems);
  Config config;
  Loader loader(*root, "", problems);
  describe(loader, config);
  loader.finish();
  Checker(*root, config, problems).run();
  if (!problems.empty()) return tl::unexpected(problems.to_error());
  return config;
}

Result<Config> load_config(const std::string& path, const Environment& env) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kNotFound, path + ": cannot be read; name another file with -c");
  std::string text(kMaxYamlBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail(ErrorCode::kUnavailable, path + ": cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse_config(text, path, env);
}

}  // namespace bursar::broker
