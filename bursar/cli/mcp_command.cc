#include <CLI/CLI.hpp>
#include <cstdlib>
#include <ostream>
#include <signal.h>

#include "bursar/broker/admin/address.h"
#include "bursar/broker/mcp/stdio_bridge.h"
#include "bursar/broker/serve.h"
#include "bursar/cli/command.h"

namespace bursar::cli {
namespace {

struct McpWords {
  Place place;
  std::string url, server, key_variable = "BURSAR_KEY";
};

// Before any thread starts: only the bridge looks at them, and they end it as the end of the input does.
void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

std::string endpoint_of(std::string url, const std::string& server) {
  while (url.ends_with('/')) url.pop_back();
  const std::size_t scheme = url.find("://");
  if (url.find('/', scheme == std::string::npos ? 0 : scheme + 3) == std::string::npos) url += "/mcp";
  return server.empty() ? url : url + "/" + server;
}

int bridge(const McpWords& words, const std::string& url, Output output) {
  broker::BridgeOptions options{.url = endpoint_of(url, words.server)};
  if (const char* key = std::getenv(words.key_variable.c_str()); key != nullptr && *key != '\0') {
    options.authorization = std::string("Bearer ") + key;
  }
  if (auto done = broker::run_stdio_bridge(options); !done) return complain(output, done.error());
  return kDone;
}

// A gateway of its own, on a port that the system chooses, for as long as the client lives. Where one is running on the
// same database already, that one serves this agent too: two would not share a budget.
int serve_one(const McpWords& words, Output output) {
  broker::ServeOptions options;
  auto config = load(words.place);
  if (!config) return complain(output, config.error());
  const std::string database = config->database;
  options.config = std::move(*config);
  options.config.listen = {.address = "127.0.0.1", .port = 0, .reactors = 1};
  auto gateway = broker::Gateway::start(std::move(options));
  if (gateway) {
    const int code = bridge(words, (*gateway)->url(), output);
    (*gateway)->stop();
    return code;
  }
  const auto running = broker::published_address(database);
  if (gateway.error().code != ErrorCode::kUnavailable || !running) return complain(output, gateway.error());
  return bridge(words, running->url, output);
}

}  // namespace

void add_mcp(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("mcp", "Serves one agent on standard input and output, for desktop clients");
  auto words = std::make_shared<McpWords>();
  add_place(*command, words->place);
  command->add_option("--url", words->url, "A running gateway, instead of one of its own (http[s]://host:port[/mcp])");
  command->add_option("--server", words->server, "One upstream only, under its own names");
  command->add_option("--key-env", words->key_variable, "Environment variable that holds the agent's key")
      ->capture_default_str();
  command->footer(
      "In a desktop client's mcpServers: {\"bursar\": {\"command\": \"bursar\", \"args\": [\"mcp\", \"-c\", "
      "\"/path/to/bursar.yaml\"]}}");
  command->callback([words, &chosen] {
    chosen.action = [words](Output output) -> int {
      block_signals();
      return words->url.empty() ? serve_one(*words, output) : bridge(*words, words->url, output);
    };
  });
}

}  // namespace bursar::cli
