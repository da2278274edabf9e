#include <CLI/CLI.hpp>
#include <ostream>

#include "bursar/broker/admin/doctor.h"
#include "bursar/cli/command.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

struct Words {
  Place place;
  std::string url;
  bool json = false;
};

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
  command->add_flag("--json", words->json, "Prints a JSON object a line");
  command->callback([words, &chosen] { chosen.action = [words](Output output) { return examine(*words, output); }; });
}

}  // namespace bursar::cli
