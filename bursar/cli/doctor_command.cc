#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "bursar/broker/admin/doctor.h"
#include "bursar/broker/audit/digest.h"
#include "bursar/cli/command.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

struct Words {
  Place place;
  std::string url;
  bool json = false, probe = false;
};

// A key that lives for one probe.
class ProbeKey {
 public:
  ProbeKey(const AdminDoor& door, const std::string& account) : door_(door) {
    name_ = "probe-" + broker::base64url(broker::random_bytes(12));
    const auto made = ask(door_, "POST", "/v1/keys",
                          "{\"name\":" + json_string(name_) + ",\"account\":" + json_string(account) + "}");
    const auto document = made ? parse_json(*made) : Result<boost::json::value>(tl::unexpected(made.error()));
    const auto secret = document.and_then([](const auto& v) { return JsonView(v).string_at("secret"); });
    if (secret) opens_ = AdminDoor{door.url, std::string(*secret), door.certificate};
  }
  ~ProbeKey() { (void)ask(door_, "DELETE", "/v1/keys/" + name_); }
  ProbeKey(const ProbeKey&) = delete;
  ProbeKey& operator=(const ProbeKey&) = delete;
  [[nodiscard]] const std::optional<AdminDoor>& opens() const { return opens_; }

 private:
  const AdminDoor& door_;
  std::string name_;
  std::optional<AdminDoor> opens_;
};

std::string header_of(std::string_view head, std::string_view name) {
  for (std::size_t at = 0; (at = head.find("\r\n", at)) != std::string_view::npos;) {
    at += 2;
    const std::string_view line = head.substr(at, head.find("\r\n", at) - at);
    const auto same = [](char a, char b) { return std::tolower(a) == std::tolower(b); };
    if (line.size() > name.size() + 1 && line[name.size()] == ':' &&
        std::ranges::equal(line.substr(0, name.size()), name, same)) {
      return std::string(line.substr(line.find_first_not_of(' ', name.size() + 1)));
    }
  }
  return {};
}

// Opens a session with one key and uses it with another. What came of it: empty where it was refused, as it must be.
Result<std::string> foreign_session(const AdminDoor& door, const std::string& account) {
  const ProbeKey mine(door, account), other(door, account);
  if (!mine.opens() || !other.opens()) {
    return fail(ErrorCode::kPermissionDenied, "--probe makes two keys for a moment, which needs an admin key");
  }
  constexpr std::string_view kAccept = "Accept: application/json, text/event-stream\r\n";
  const auto opened =
      request(*mine.opens(), "POST", "/mcp",
              R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",)"
              R"("capabilities":{},"clientInfo":{"name":"bursar-doctor","version":"1"}}})",
              kAccept);
  if (!opened) return tl::unexpected(opened.error());
  const std::string session = header_of(opened->head, "mcp-session-id");
  if (session.empty()) {
    return fail(ErrorCode::kUnavailable, "--probe could not open a session: HTTP " + std::to_string(opened->status));
  }
  const std::string headers = std::string(kAccept) + "Mcp-Session-Id: " + session + "\r\n";
  const auto used =
      request(*other.opens(), "POST", "/mcp", R"({"jsonrpc":"2.0","id":2,"method":"tools/list"})", headers);
  (void)request(*mine.opens(), "DELETE", "/mcp", "", headers);
  if (!used) return tl::unexpected(used.error());
  return used->status == 404 ? std::string() : "HTTP " + std::to_string(used->status);
}

void print(const broker::Finding& finding, bool json, std::ostream& out) {
  if (json) {
    out << "{\"grade\":" << json_string(broker::name_of(finding.grade)) << ",\"head\":" << json_string(finding.head)
        << ",\"check\":" << json_string(finding.check) << ",\"detail\":" << json_string(finding.detail)
        << ",\"advice\":" << json_string(finding.advice) << "}\n";
    return;
  }
  std::string grade(broker::name_of(finding.grade));
  grade.resize(5, ' ');
  out << grade << finding.head << ": " << finding.check << " (" << finding.detail << ")\n";
  if (!finding.advice.empty()) out << "     -> " << finding.advice << '\n';
}

int examine(const Words& words, Output output) {
  auto facts = broker::gather_facts(config_file(words.place), broker::process_environment(), SystemClock().now());
  const auto door = find_door(words.url, words.place.database.empty() ? facts.config.database : words.place.database);
  if (door) {
    const auto body = ask(*door, "GET", "/v1/status");
    auto status = body ? broker::parse_status(*body) : Result<broker::GatewayStatus>(tl::unexpected(body.error()));
    if (status) {
      facts.running = std::move(*status);
    } else if (!words.url.empty()) {
      return complain(output, status.error());
    }
  }
  if (words.probe) {
    if (!door || facts.config.accounts.empty()) {
      return complain(output, {.code = ErrorCode::kUnavailable, .message = "--probe needs a running gateway"});
    }
    auto answered = foreign_session(*door, facts.config.accounts.front().path);
    if (!answered) return complain(output, answered.error());
    facts.foreign_session = std::move(*answered);
  }
  const auto findings = broker::examine(facts);
  std::array<int, 3> counts{};
  for (const auto& finding : findings) {
    print(finding, words.json, output.out);
    ++counts[static_cast<std::size_t>(finding.grade)];
  }
  if (!words.json) output.out << counts[0] << " ok, " << counts[1] << " warn, " << counts[2] << " fail\n";
  return broker::worst(findings) == broker::Grade::kFail ? kWrong : kDone;
}

}  // namespace

void add_doctor(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("doctor", "Checks whether the gateway is ready for production");
  auto words = std::make_shared<Words>();
  add_place(*command, words->place);
  command->add_option("--url", words->url, "A running gateway to look at; without it the one on this database");
  command->add_flag("--probe", words->probe,
                    "Also tries whether two principals are kept apart, with two keys of a moment");
  command->add_flag("--json", words->json, "Prints a JSON object a line");
  command->callback([words, &chosen] { chosen.action = [words](Output output) { return examine(*words, output); }; });
}

}  // namespace bursar::cli
