#include <CLI/CLI.hpp>
#include <ostream>

#include "bursar/broker/config/schema.h"
#include "bursar/cli/command.h"

namespace bursar::cli {
namespace {

int check(const Place& place, Output output) {
  const std::string file = config_file(place);
  auto config = load(place);
  if (!config) return complain(output, config.error());
  output.out << (file.empty() ? "the defaults" : file) << " is valid: " << config->upstreams.size() << " upstreams, "
             << config->accounts.size() << " accounts, " << config->prices.size() << " prices, "
             << config->policy.rules.size() << " rules\n";
  return kDone;
}

}  // namespace

void add_check(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("check", "Reads the configuration and says what is wrong with it");
  auto place = std::make_shared<Place>();
  auto schema = std::make_shared<bool>(false);
  add_place(*command, *place);
  command->add_flag("--schema", *schema, "Prints the JSON Schema of bursar.yaml");
  command->callback([place, schema, &chosen] {
    chosen.action = [place, schema](Output output) -> int {
      if (!*schema) return check(*place, output);
      output.out << broker::config_schema();
      return kDone;
    };
  });
}

}  // namespace bursar::cli
