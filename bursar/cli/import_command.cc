#include <CLI/CLI.hpp>
#include <fstream>
#include <ostream>

#include "bursar/broker/admin/address.h"
#include "bursar/broker/config/mcp_import.h"
#include "bursar/cli/command.h"

namespace bursar::cli {
namespace {

constexpr std::size_t kMaxFile = (1 << 20) + 1;

struct Words {
  Place place;
  std::string file, url;
  bool reverse = false;
};

int take_over(const Words& words, Output output) {
  std::ifstream file(words.file, std::ios::binary);
  if (!file) return complain(output, {ErrorCode::kNotFound, words.file + " cannot be read"});
  std::string text(kMaxFile, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  const auto imported = broker::import_mcp(text);
  if (!imported) return complain(output, with_context(words.file, imported.error()));
  output.out << imported->yaml;
  for (const auto& note : imported->notes) output.err << "note: " << note << '\n';
  return kDone;
}

int give_back(const Words& words, Output output) {
  const auto config = load(words.place);
  if (!config) return complain(output, config.error());
  std::string url = words.url;
  if (url.empty()) {
    const auto running = broker::published_address(config->database);
    url = running ? running->url : "http://" + config->listen.address + ':' + std::to_string(config->listen.port);
  }
  output.out << broker::export_mcp(*config, url);
  return kDone;
}

}  // namespace

void add_import(CLI::App& app, Chosen& chosen) {
  auto* command =
      app.add_subcommand("import", "Prints the servers of an mcp.json (Claude, Cursor, VS Code) as bursar.yaml");
  auto words = std::make_shared<Words>();
  add_place(*command, words->place);
  command->add_option("file", words->file, "The file to take over");
  command->add_flag("--export", words->reverse,
                    "Prints an mcpServers file that reaches our upstreams through the gateway");
  command->add_option("--url", words->url, "With --export: the gateway's address");
  command->callback([words, &chosen] {
    if (!words->reverse && words->file.empty()) throw CLI::RequiredError("import: the file to take over");
    chosen.action = [words](Output output) {
      return words->reverse ? give_back(*words, output) : take_over(*words, output);
    };
  });
}

}  // namespace bursar::cli
