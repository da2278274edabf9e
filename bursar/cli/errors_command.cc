#include <CLI/CLI.hpp>
#include <ostream>

#include "bursar/broker/pipeline/serf_table.h"
#include "bursar/cli/command.h"

namespace bursar::cli {

void add_errors(CLI::App& app, Chosen& chosen) {
  app.add_subcommand("errors", "Prints every failure that an agent can be told, and what it may do next")
      ->callback([&chosen] {
        chosen.action = [](Output output) {
          output.out << broker::errors_markdown();
          return kDone;
        };
      });
}

}  // namespace bursar::cli
