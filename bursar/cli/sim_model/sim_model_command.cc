#include "bursar/cli/sim_model/sim_model_command.h"

#include <CLI/CLI.hpp>
#include <ostream>
#include <pthread.h>
#include <signal.h>
#include <sstream>

#include "bursar/broker/http/reactor.h"
#include "bursar/broker/http/server.h"
#include "bursar/cli/sim_model/model_door.h"

namespace bursar::cli {
namespace {

enum Exit : int { kDone = 0, kUsage = 2, kUnavailable = 3 };

constexpr const char* kHelp =
    R"(A SIMULATED model: it plays a solver for tests and quick starts, and knows nothing. No answer of it is true.

  bursar sim-model --port 8001 --seed 7
  bursar sim-model --port 0 --latency-scale 0 --faults drop=.02,half=.01,stall=.01,slow=.02,429=.02,500=.03

Doors: /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models as OpenAI has them; /v1/simulated/usage, its own
count of tokens; /v1/simulated/truth?question=…; and /mcp with the tools search and calculator. Models: sim-small,
sim-medium, sim-large; any other name is answered as sim-medium. A question may carry [difficulty 0.7], [truth 42],
[hops 3], or options A) … B) …
)";

struct Words {
  std::string address = "127.0.0.1", faults;
  std::uint16_t port = 8001;
  std::uint64_t seed = 1;
  double latency_scale = 1;
  bool announce = false;
};

void describe(CLI::App& app, Words& words) {
  app.add_option("--address", words.address, "To listen on (127.0.0.1)");
  app.add_option("--port", words.port, "To listen on (8001); 0 takes a free one");
  app.add_option("--seed", words.seed, "Of all questions, answers, latencies and faults (1)");
  app.add_option("--latency-scale", words.latency_scale, "Times the drawn latency; 0 answers at once (1)")
      ->check(CLI::Range(0., 1000.));
  app.add_option("--faults", words.faults, "NAME=PROBABILITY,…: drop, half, stall, slow, or a status from 400 to 599");
  app.add_flag("--announce", words.announce, "Kept for scripts: where it listens is always said");
}

int serve(const Words& words, Faults faults, SimModelOutput output) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT}) sigaddset(&signals, number);
  // Blocked before any thread starts, so that only sigwait() below sees a signal.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  broker::Reactors reactors(1);
  auto door = std::make_shared<ModelDoor>(
      ModelDoorOptions{.seed = words.seed, .latency_scale = words.latency_scale, .faults = std::move(faults)});
  auto server = broker::HttpServer::listen(
      reactors, {.address = words.address,
                 .port = words.port,
                 .handler = [door](broker::HttpRequest request, const std::shared_ptr<broker::Exchange>& exchange) {
                   door->handle(request, exchange);
                 }});
  if (!server) {
    output.err << "bursar sim-model: " << server.error().message << '\n';
    return kUnavailable;
  }
  reactors.start();
  output.out << "bursar-sim-model: every answer is SIMULATED, by no language model (seed " << words.seed << ")\n"
             << "listening on http://" << words.address << ':' << (*server)->port() << "/v1" << std::endl;
  int number = 0;
  (void)sigwait(&signals, &number);
  (*server)->close();
  reactors.finish();
  reactors.join();
  return kDone;
}

int run_parsed(std::vector<std::string> words, SimModelOutput output) {
  CLI::App app(kHelp, "bursar sim-model");
  Words said;
  describe(app, said);
  try {
    std::ranges::reverse(words);
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, err;
    const int code = app.exit(error, out, err);
    output.out << out.str();
    output.err << err.str();
    return code == 0 ? kDone : kUsage;
  }
  auto faults = Faults::parse(said.faults, said.seed);
  if (!faults) {
    output.err << "bursar sim-model: " << faults.error().message << '\n';
    return kUsage;
  }
  return serve(said, std::move(*faults), output);
}

}  // namespace

int run_sim_model(std::vector<std::string> words, SimModelOutput output) {
  try {
    return run_parsed(std::move(words), output);
  } catch (const std::exception& error) {
    output.err << "bursar sim-model: " << error.what() << " (a bug of ours; please report it)\n";
    return kUnavailable;
  }
}

}  // namespace bursar::cli
