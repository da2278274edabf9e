#include <CLI/CLI.hpp>
#include <filesystem>
#include <ostream>

#include "bursar/broker/api/account_json.h"
#include "bursar/cli/budget_tree.h"
#include "bursar/cli/command.h"
#include "bursar/core/json.h"
#include "bursar/ledger/sqlite_store.h"

namespace bursar::cli {
namespace {

struct Words {
  Place place;
  std::string account, url;
  bool json = false;
};

// To look, a copy is enough: nothing of the file changes, and it may even be in use.
enum class Purpose : std::uint8_t { kLook, kChange };

Result<std::unique_ptr<ledger::Ledger>> open_ledger(const std::string& database, const Clock& clock, Purpose purpose) {
  std::error_code ignored;
  if (!std::filesystem::exists(database, ignored)) {
    return fail(ErrorCode::kNotFound,
                "database " + database + " does not exist: nothing was spent yet; start the gateway once");
  }
  ledger::SqliteOptions options;
  (purpose == Purpose::kLook ? options.copy_of : options.path) = database;
  auto store = ledger::open_sqlite_store(std::move(options));
  if (!store) return tl::unexpected(store.error());
  return ledger::Ledger::open(std::move(*store), clock);
}

// A gateway that was named must answer. One that is only published may have been killed; then the ledger is free.
template <class Running, class Stopped>
auto by_door_or_ledger(const Words& words, Purpose purpose, Running running, Stopped stopped)
    -> decltype(stopped(std::declval<ledger::Ledger&>())) {
  const auto database = database_of(words.place);
  if (!database) return tl::unexpected(database.error());
  if (const auto door = find_door(words.url, *database)) {
    auto answer = running(*door);
    if (answer || !words.url.empty() || answer.error().code != ErrorCode::kUnavailable) return answer;
  }
  const SystemClock clock;
  auto ledger = open_ledger(*database, clock, purpose);
  if (!ledger) return tl::unexpected(ledger.error());
  return stopped(**ledger);
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        std::string_view("-._~/").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out.append("%").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    }
  }
  return out;
}

int show(const Words& words, Output output) {
  using Standings = std::vector<ledger::Standing>;
  const auto standings = by_door_or_ledger(
      words, Purpose::kLook,
      [&](const AdminDoor& door) -> Result<Standings> {
        const auto body = ask(door, "GET", "/v1/accounts?under=" + percent_encoded(words.account));
        if (!body) return tl::unexpected(body.error());
        return broker::parse_accounts(*body);
      },
      [&](ledger::Ledger& ledger) -> Result<Standings> { return ledger.standing(words.account); });
  if (!standings) return complain(output, standings.error());
  if (words.json) {
    output.out << budget_json(*standings) << '\n';
  } else if (standings->empty()) {
    output.err << "no account has a limit" << (words.account.empty() ? "" : " under " + words.account) << '\n';
  } else {
    print_budget(*standings, SystemClock().now(), output.out);
  }
  return kDone;
}

int freeze(const Words& words, bool frozen, Output output) {
  const auto done = by_door_or_ledger(
      words, Purpose::kChange,
      [&](const AdminDoor& door) -> Result<void> {
        const auto body = ask(door, "PATCH", "/v1/accounts/" + percent_encoded(words.account),
                              frozen ? R"({"frozen":true})" : R"({"frozen":false})");
        if (!body) return tl::unexpected(body.error());
        return {};
      },
      [&](ledger::Ledger& ledger) { return ledger.freeze(words.account, frozen); });
  if (!done) return complain(output, done.error());
  output.out << words.account
             << (frozen ? " is frozen: nothing more is reserved from it or below it\n" : " spends again\n");
  return kDone;
}

}  // namespace

void add_budget(CLI::App& app, Chosen& chosen) {
  auto* budget = app.add_subcommand("budget", "The budget tree: show, freeze, unfreeze");
  budget->require_subcommand(1);
  auto words = std::make_shared<Words>();
  const auto add = [&](const char* name, const char* help) {
    auto* command = budget->add_subcommand(name, help);
    add_place(*command, words->place);
    command->add_option("--url", words->url, "A gateway's address; without it the one on this database, if it runs");
    return command;
  };
  auto* tree = add("show", "Shows what is spent, held and left, as a tree");
  tree->add_option("account", words->account, "Only this account and what is below it");
  tree->add_flag("--json", words->json, "Prints a JSON array; amounts are numbers of the resource's unit");
  tree->callback([words, &chosen] { chosen.action = [words](Output output) { return show(*words, output); }; });
  for (const bool frozen : {true, false}) {
    auto* command = add(frozen ? "freeze" : "unfreeze",
                        frozen ? "Stops new spending of an account" : "Lets an account spend again");
    command->add_option("account", words->account, "The account's path")->required();
    command->callback([words, frozen, &chosen] {
      chosen.action = [words, frozen](Output output) { return freeze(*words, frozen, output); };
    });
  }
}

}  // namespace bursar::cli
