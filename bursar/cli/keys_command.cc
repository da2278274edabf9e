#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "bursar/broker/config/values.h"
#include "bursar/broker/identity/keys.h"
#include "bursar/cli/command.h"
#include "bursar/cli/output.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

struct Words {
  Place place;
  broker::NewKey key;
  std::string expires;
  bool json = false, all = false;
};

std::string json_of(const broker::KeyInfo& key) {
  const auto time = [](const std::optional<WallTime>& t) {
    return t ? json_string(time_text(*t)) : std::string("null");
  };
  std::string scopes;
  for (const auto& scope : key.scopes) scopes += (scopes.empty() ? "" : ",") + json_string(scope);
  return "\"name\":" + json_string(key.name) + ",\"account\":" + json_string(key.account) + ",\"scopes\":[" + scopes +
         "],\"admin\":" + (key.admin ? "true" : "false") + ",\"created\":" + json_string(time_text(key.created)) +
         ",\"expires\":" + time(key.expires) + ",\"revoked\":" + time(key.revoked) +
         ",\"hint\":" + json_string(key.hint);
}

// The account must be one of the configuration's, or the key would open nothing.
Result<void> check_account(const Words& words) {
  if (!words.place.database.empty()) return {};
  const auto config = load(words.place);
  if (!config) return tl::unexpected(config.error());
  std::vector<std::string_view> paths;
  for (const auto& account : config->accounts) paths.push_back(account.path);
  if (std::ranges::find(paths, words.key.account) != paths.end()) return {};
  const std::string near = broker::nearest_name(words.key.account, paths);
  return invalid_argument("account " + words.key.account + " is not in the configuration; " +
                          (near.empty() ? "add it to accounts" : "did you mean " + near + "?"));
}

int create(Words words, Output output) {
  const SystemClock clock;
  if (!words.expires.empty()) {
    const auto lives = broker::parse_duration(words.expires);
    if (!lives || lives->count() <= 0)
      return complain(output, lives ? Error{ErrorCode::kInvalidArgument, "--expires must be in the future"}
                                    : with_context("--expires", lives.error()));
    words.key.expires = clock.now() + *lives;
  }
  if (auto ok = check_account(words); !ok) return complain(output, ok.error());
  const auto database = database_of(words.place);
  if (!database) return complain(output, database.error());
  const auto store = broker::KeyStore::open(*database, clock);
  if (!store) return complain(output, store.error());
  const auto made = (*store)->create(words.key);
  if (!made) return complain(output, made.error());
  if (words.json) {
    output.out << "{\"secret\":" << json_string(made->secret) << ',' << json_of(made->info) << "}\n";
    return kDone;
  }
  output.out << made->secret << '\n';
  output.err << "This key is shown once and pays from " << made->info.account
             << ". The agent sends it as `Authorization: Bearer <key>`.\n";
  return kDone;
}

int list(const Words& words, Output output) {
  const auto database = database_of(words.place);
  if (!database) return complain(output, database.error());
  const auto keys = broker::list_keys(*database);
  if (!keys) return complain(output, keys.error());
  Table table({"name", "account", "key", "admin", "scopes", "created", "expires", "revoked"});
  for (const auto& key : *keys) {
    if (words.json) {
      output.out << '{' << json_of(key) << "}\n";
      continue;
    }
    std::string scopes;
    for (const auto& scope : key.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
    table.add({key.name, key.account, "sk-bursar-…" + key.hint, key.admin ? "admin" : "-",
               scopes.empty() ? "-" : scopes, time_text(key.created), time_text(key.expires), time_text(key.revoked)});
  }
  if (words.json) return kDone;
  if (keys->empty()) {
    output.err << "there are no keys; `bursar keys create <name> --account <account>` makes one\n";
  } else {
    table.print(output.out);
  }
  return kDone;
}

int revoke(const Words& words, Output output) {
  const SystemClock clock;
  const auto database = database_of(words.place);
  if (!database) return complain(output, database.error());
  const auto store = broker::KeyStore::open(*database, clock);
  if (!store) return complain(output, store.error());
  const auto revoked = (*store)->revoke(words.key.name);
  if (!revoked) return complain(output, revoked.error());
  output.out << revoked->name << " opens nothing any more (a running gateway knows within a second)\n";
  return kDone;
}

}  // namespace

void add_keys(CLI::App& app, Chosen& chosen) {
  auto* keys = app.add_subcommand("keys", "Virtual keys: create, list, revoke");
  keys->require_subcommand(1);
  auto words = std::make_shared<Words>();
  auto* make = keys->add_subcommand("create", "Makes a key, and shows it this once");
  add_place(*make, words->place);
  make->add_option("name", words->key.name, "What the audit trail calls it")->required();
  make->add_option("--account", words->key.account, "The account that pays")->required();
  make->add_option("--scope", words->key.scopes, "A scope; may be given several times")->allow_extra_args(false);
  make->add_flag("--admin", words->key.admin, "May administer the gateway");
  make->add_option("--expires", words->expires, "How long it is valid, such as \"30 d\"; for ever without it");
  make->add_flag("--json", words->json, "Prints a JSON object");
  make->callback([words, &chosen] { chosen.action = [words](Output output) { return create(*words, output); }; });
  auto* show = keys->add_subcommand("list", "Shows the keys, never their secrets");
  add_place(*show, words->place);
  show->add_flag("--json", words->json, "Prints a JSON object a line");
  show->callback([words, &chosen] { chosen.action = [words](Output output) { return list(*words, output); }; });
  auto* end = keys->add_subcommand("revoke", "Ends a key for good");
  add_place(*end, words->place);
  end->add_option("name", words->key.name, "The key's name")->required();
  end->callback([words, &chosen] { chosen.action = [words](Output output) { return revoke(*words, output); }; });
}

}  // namespace bursar::cli
