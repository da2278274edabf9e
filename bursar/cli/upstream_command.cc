#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ostream>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "bursar/cli/command.h"
#include "bursar/cli/output.h"
#include "bursar/core/json.h"
#include "bursar/core/utc_text.h"

namespace bursar::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{500};  // how often the gateway is asked whether somebody signed in

struct Words {
  Place place;
  std::string url, name, back;
  unsigned patience_s = 300;
  bool json = false, no_browser = false;
};

// How one upstream stands, as the gateway says it.
struct Standing {
  std::string name, url, sign_in, why, issuer, scopes, expires;
};

std::string text_at(const JsonView& view, std::string_view key) {
  return std::string(view.string_at(key, 16 << 10).value_or(""));
}

Standing standing_of(const JsonView& view) {
  Standing out{.name = text_at(view, "name"),
               .url = text_at(view, "url"),
               .sign_in = text_at(view, "sign_in"),
               .why = text_at(view, "why"),
               .issuer = text_at(view, "issuer"),
               .scopes = "",
               .expires = text_at(view, "expires")};
  const auto scopes = view.at("scopes");
  const auto size = scopes ? scopes->array_size(256) : Result<std::size_t>(0);
  for (std::size_t i = 0; size && i < *size; ++i) {
    const auto scope = scopes->element(i).and_then([](const JsonView& item) { return item.as_string(256); });
    if (scope) out.scopes.append(out.scopes.empty() ? "" : " ").append(*scope);
  }
  return out;
}

Result<AdminDoor> door_of(const Words& words) {
  std::string database = words.place.database;
  if (database.empty() && words.url.empty()) {
    const auto configured = database_of(words.place);
    if (!configured) return tl::unexpected(configured.error());
    database = *configured;
  }
  auto door = find_door(words.url, database);
  if (door) return *door;
  return fail(ErrorCode::kUnavailable,
              "no gateway runs on " + database + "; start it with `bursar serve`, or name it with --url");
}

Result<Standing> look(const AdminDoor& door, const std::string& name) {
  const auto body = ask(door, "GET", "/v1/upstreams/" + name);
  if (!body) return tl::unexpected(body.error());
  const auto document = parse_json(*body);
  if (!document) return tl::unexpected(document.error());
  return standing_of(JsonView(*document));
}

// --- login
// -------------------------------------------------------------------------------------------------------------------

// Shows an address to whoever sits in front of a desktop; nothing where nobody does. No shell sees it.
void open_browser(const std::string& address) {
  const bool desktop = std::getenv("DISPLAY") != nullptr || std::getenv("WAYLAND_DISPLAY") != nullptr;
  if (!desktop || ::isatty(STDOUT_FILENO) == 0) return;
  std::string program = "xdg-open", argument = address;
  const std::array<char*, 3> words = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  if (::posix_spawnp(&child, program.c_str(), nullptr, nullptr, words.data(), environ) != 0) return;
  std::jthread([child] { ::waitpid(child, nullptr, 0); }).detach();
}

// A line of standard input, if one comes within kLook; `open` ends with the input.
std::string pasted_line(bool& open) {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (!open) {
    std::this_thread::sleep_for(kLook);
    return {};
  }
  if (::poll(&input, 1, static_cast<int>(kLook.count())) <= 0) return {};
  std::string line(16 << 10, '\0');
  const ssize_t got = ::read(STDIN_FILENO, line.data(), line.size());
  open = got > 0;
  line.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return line.substr(0, line.find_first_of("\r\n"));
}

Result<void> hand_over(const AdminDoor& door, const std::string& name, const std::string& address) {
  const auto done = ask(door, "POST", "/v1/upstreams/" + name + ":callback", "{\"url\":" + json_string(address) + "}");
  return done ? Result<void>() : tl::unexpected(done.error());
}

int signed_in(const Words& words, const AdminDoor& door, Output output) {
  const auto standing = look(door, words.name);
  if (!standing) return complain(output, standing.error());
  if (standing->sign_in != "signed_in") {
    return complain(output, {.code = ErrorCode::kPermissionDenied,
                             .message = "not signed in to " + words.name + ": " +
                                        (standing->why.empty() ? "the sign-in was given up" : standing->why)});
  }
  output.out << "signed in to " << words.name << " by " << standing->issuer
             << (standing->scopes.empty() ? "" : ", scopes " + standing->scopes) << '\n';
  return kDone;
}

// Until the browser came back to the gateway, or somebody pasted where it ended.
int wait_for_browser(const Words& words, const AdminDoor& door, Output output) {
  const auto until = SteadyClock::now() + std::chrono::seconds{words.patience_s};
  for (bool open = true; SteadyClock::now() < until;) {
    if (const std::string line = pasted_line(open); line.find("://") != std::string::npos) {
      if (auto done = hand_over(door, words.name, line); !done) return complain(output, done.error());
      return signed_in(words, door, output);
    }
    const auto standing = look(door, words.name);
    if (!standing) return complain(output, standing.error());
    if (standing->sign_in != "under_way") return signed_in(words, door, output);
  }
  return complain(output, {.code = ErrorCode::kTimeout,
                           .message = "nobody signed in within " + std::to_string(words.patience_s) +
                                      " s; the address above stays good for ten minutes"});
}

int login(const Words& words, Output output) {
  const auto door = door_of(words);
  if (!door) return complain(output, door.error());
  if (!words.back.empty()) {
    if (auto done = hand_over(*door, words.name, words.back); !done) return complain(output, done.error());
    return signed_in(words, *door, output);
  }
  const auto body = ask(*door, "POST", "/v1/upstreams/" + words.name + ":login", "{}");
  if (!body) return complain(output, body.error());
  const auto document = parse_json(*body);
  if (!document) return complain(output, document.error());
  const std::string address = text_at(JsonView(*document), "authorization_url");
  if (address.empty()) return signed_in(words, *door, output);
  output.out << address << '\n' << std::flush;
  output.err << "Open this address in a browser and sign in to " << words.name << ".\n"
             << "Where the browser cannot reach the gateway, paste here the address at which it ended.\n"
             << std::flush;
  if (!words.no_browser) open_browser(address);
  return wait_for_browser(words, *door, output);
}

// --- logout, list
// -------------------------------------------------------------------------------------------------------------

int logout(const Words& words, Output output) {
  const auto door = door_of(words);
  if (!door) return complain(output, door.error());
  const auto body = ask(*door, "POST", "/v1/upstreams/" + words.name + ":logout", "{}");
  if (!body) return complain(output, body.error());
  output.out << "signed out of " << words.name << "; its server may go on to accept the token until it expires\n";
  return kDone;
}

int list(const Words& words, Output output) {
  const auto door = door_of(words);
  if (!door) return complain(output, door.error());
  const auto body = ask(*door, "GET", "/v1/upstreams");
  if (!body) return complain(output, body.error());
  const auto document = parse_json(*body);
  if (!document) return complain(output, document.error());
  const auto items = JsonView(*document).at("upstreams");
  const auto size = items ? items->array_size(1000) : Result<std::size_t>(tl::unexpected(items.error()));
  if (!size) return complain(output, size.error());
  Table table({"upstream", "sign-in", "by", "scopes", "expires", "why"});
  for (std::size_t i = 0; i < *size; ++i) {
    const auto item = items->element(i);
    if (!item) return complain(output, item.error());
    if (words.json) {
      output.out << to_json(item->value()) << '\n';
      continue;
    }
    const Standing s = standing_of(*item);
    const auto cell = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
    table.add({s.name, s.sign_in, cell(s.issuer), cell(s.scopes), cell(s.expires), cell(s.why)});
  }
  if (words.json) return kDone;
  if (*size == 0) {
    output.err << "there is no upstream that we could sign in to: none has a url without a credential of its own\n";
  } else {
    table.print(output.out);
  }
  return kDone;
}

}  // namespace

void add_upstream(CLI::App& app, Chosen& chosen) {
  auto* upstream = app.add_subcommand("upstream", "Signing in to MCP servers that want OAuth: login, logout, list");
  upstream->require_subcommand(1);
  auto words = std::make_shared<Words>();
  const auto add = [&](const char* verb, const char* help, int (*run)(const Words&, Output)) {
    auto* command = upstream->add_subcommand(verb, help);
    add_place(*command, words->place);
    command->add_option("--url", words->url, "A running gateway; without it the one on this database");
    command->callback([words, run, &chosen] { chosen.action = [words, run](Output o) { return run(*words, o); }; });
    return command;
  };
  auto* in = add("login", "Signs in with a browser, once; the gateway keeps and renews the token", login);
  in->add_option("name", words->name, "The upstream")->required();
  in->add_flag("--no-browser", words->no_browser, "Prints the address only");
  in->add_option("--callback", words->back, "Where a browser ended that could not reach the gateway");
  in->add_option("--timeout", words->patience_s, "Seconds to wait for the browser")->check(CLI::Range(1U, 600U));
  auto* out = add("logout", "Forgets the token", logout);
  out->add_option("name", words->name, "The upstream")->required();
  auto* show = add("list", "Shows which upstreams we are signed in to", list);
  show->add_flag("--json", words->json, "Prints a JSON object a line");
}

}  // namespace bursar::cli
