#include <CLI/CLI.hpp>
#include <ostream>

#include "bursar/broker/serve.h"
#include "bursar/cli/command.h"

namespace bursar::cli {

void add_serve(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("serve", "Runs the gateway until SIGTERM; SIGHUP reads the configuration again");
  auto place = std::make_shared<Place>();
  add_place(*command, *place);
  command->callback([place, &chosen] {
    chosen.action = [place](Output output) -> int {
      broker::ServeOptions options;
      options.config_path = config_file(*place);
      if (!place->database.empty() && !options.config_path.empty()) {
        output.err << "bursar: --database needs no configuration file beside it; set `database` in "
                   << options.config_path << '\n';
        return kUsage;
      }
      if (options.config_path.empty()) {
        auto config = load(*place);
        if (!config) return complain(output, config.error());
        options.config = std::move(*config);
        output.err
            << "bursar: no bursar.yaml here: listening on loopback without upstreams; callers on this machine are "
               "the account dev, without limits. `bursar import mcp.json > bursar.yaml` makes a file\n";
      }
      if (auto ok = broker::serve(std::move(options)); !ok) return complain(output, ok.error());
      return kDone;
    };
  });
}

}  // namespace bursar::cli
