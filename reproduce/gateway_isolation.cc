#include "reproduce/gateway_isolation.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <thread>
#include <unistd.h>

#include "bursar/broker/http/raw_client.h"
#include "bursar/broker/identity/keys.h"
#include "bursar/broker/serve.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/core/json.h"
#include "bursar/core/random.h"
#include "reproduce/quota_server.h"

namespace bursar::reproduce {
namespace {

using broker::testing::RawAnswer;
using broker::testing::RawClient;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kTenants = 50, kRequests = 40, kConcurrent = 16, kTimed = 400;
constexpr std::string_view kList = R"({"name":"quota.list_limits","arguments":{}})";

// One MCP client of the revision with sessions, over a connection of its own.
class Agent {
 public:
  Agent(std::uint16_t port, std::string authorization) : client_(port), authorization_(std::move(authorization)) {}

  RawAnswer post(std::string_view body, std::string_view more = {}, std::string_view host = "localhost") {
    client_.send("POST /mcp HTTP/1.1\r\nHost: " + std::string(host) +
                 "\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n" +
                 (authorization_.empty() ? "" : "Authorization: " + authorization_ + "\r\n") +
                 (session.empty() ? "" : "Mcp-Session-Id: " + session + "\r\n") + std::string(more) +
                 "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
    RawAnswer answer = client_.answer();
    if (answer.header("transfer-encoding") == "chunked") answer.body = client_.read_until("\r\n0\r\n\r\n");
    return answer;
  }
  RawAnswer request(std::string_view method, std::string_view params) {
    return post(R"({"jsonrpc":"2.0","id":)" + std::to_string(++next_) + R"(,"method":")" + std::string(method) +
                R"(","params":)" + std::string(params) + "}");
  }
  bool open() {
    const RawAnswer answer = request(
        "initialize", R"({"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}})");
    session = answer.header("mcp-session-id");
    (void)post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
    return answer.status == 200 && !session.empty();
  }

  std::string session;

 private:
  RawClient client_;
  std::string authorization_;
  int next_ = 0;
};

struct World {
  std::filesystem::path folder;
  QuotaServer server;
  std::unique_ptr<broker::Gateway> gateway;
  std::vector<std::string> keys;  // [tenants]
  std::vector<std::string> secrets;

  ~World() {
    gateway.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    broker::set_log_sink({});
  }
};

Result<std::unique_ptr<World>> start_world(RandomStream random) {
  auto world = std::make_unique<World>();
  broker::set_log_sink([](std::string_view) {});
  world->folder = std::filesystem::temp_directory_path() / ("bursar-isolation-" + std::to_string(::getpid()));
  std::filesystem::create_directories(world->folder);
  std::string yaml = "listen: {port: 0}\ndatabase: " + (world->folder / "b.db").string() +
                     "\nidentity: {development: false}\nupstreams: [{name: quota, url: \"" + world->server.url() +
                     "\"}]\npolicy: {default: allow, rules: [{effect: deny, tools: [raise_limits]}]}\naccounts:\n";
  for (std::size_t t = 0; t < kTenants; ++t) yaml += "  - path: tenant" + std::to_string(t) + "\n";
  auto config = broker::parse_config(yaml, "isolation", broker::process_environment());
  if (!config) return tl::unexpected(config.error());
  const auto start = [&]() -> Result<void> {
    auto gateway = broker::Gateway::start({.config = *config, .watch = false});
    if (!gateway) return tl::unexpected(gateway.error());
    world->gateway = std::move(*gateway);
    return {};
  };
  if (auto ok = start(); !ok) return tl::unexpected(ok.error());
  {
    SystemClock clock;
    auto keys = broker::KeyStore::open((world->folder / "b.db").string(), clock);
    if (!keys) return tl::unexpected(keys.error());
    for (std::size_t t = 0; t < kTenants; ++t) {
      auto made = (*keys)->create({.name = "k" + std::to_string(t), .account = "tenant" + std::to_string(t)});
      if (!made) return tl::unexpected(made.error());
      world->keys.push_back("Bearer " + made->secret);
      world->secrets.push_back("secret-" + std::to_string(random.uniform_int(std::uint64_t{1} << 62)) + "-of-" +
                               std::to_string(t) + ";");
    }
  }
  world->gateway.reset();
  if (auto ok = start(); !ok) return tl::unexpected(ok.error());
  return world;
}

struct Traffic {
  std::atomic<std::size_t> answered{0}, foreign{0}, failed{0};
};

// Every tenant opens its project and then asks the same question as all others.
void run_tenants(World& world, std::size_t requests, Traffic& traffic) {
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> threads;
  threads.reserve(kConcurrent);
  for (std::size_t w = 0; w < kConcurrent; ++w) {
    threads.emplace_back([&] {
      for (std::size_t t = next++; t < kTenants; t = next++) {
        Agent agent(world.gateway->port(), world.keys[t]);
        const bool open =
            agent.open() && agent.request("tools/call", R"({"name":"quota.open_project","arguments":{"secret":")" +
                                                            world.secrets[t] + "\"}}")
                                    .status == 200;
        for (std::size_t r = 0; r < requests; ++r) {
          const RawAnswer answer = open ? agent.request("tools/call", kList) : RawAnswer{};
          const bool own = answer.body.find(world.secrets[t]) != std::string::npos;
          const bool any = answer.body.find("secret-") != std::string::npos;
          ++(own ? traffic.answered : any ? traffic.foreign : traffic.failed);
        }
      }
    });
  }
}

// One credential for all, and a cache by method and parameters: the first tenant's answer is everybody's.
double leak_of_shared_cache(std::size_t requests, RandomStream random) {
  std::map<std::string, std::size_t, std::less<>> cache;  // by parameters: whose answer
  std::size_t foreign = 0;
  for (std::size_t r = 0; r < kTenants * requests; ++r) {
    const auto tenant = static_cast<std::size_t>(random.uniform_int(static_cast<std::uint64_t>(kTenants)));
    foreign += cache.try_emplace(std::string(kList), tenant).first->second != tenant;
  }
  return static_cast<double>(foreign) / static_cast<double>(kTenants * requests);
}

struct Attack {
  std::string name;
  bool refused = false;
};

std::vector<Attack> attack(World& world) {
  const std::uint16_t port = world.gateway->port();
  const std::string call = R"({"jsonrpc":"2.0","id":9,"method":"tools/call","params":)" + std::string(kList) + "}";
  const auto without_secret = [](const RawAnswer& a) { return a.body.find("secret-") == std::string::npos; };
  std::vector<Attack> attacks;
  const auto refused_with = [&](const std::string& name, std::string authorization, int status,
                                std::string_view more = {}, std::string_view host = "localhost") {
    Agent agent(port, std::move(authorization));
    const RawAnswer answer = agent.post(call, more, host);
    attacks.push_back({name, answer.status == status && without_secret(answer)});
  };
  refused_with("no key", "", 401);
  refused_with("a wrong key", "Bearer sk-bursar-wrong", 401);
  refused_with("a token with alg none", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.", 401);
  refused_with("a foreign page", world.keys[0], 403, "Origin: https://evil.example\r\n");
  refused_with("a rebound name", world.keys[0], 421, {}, "evil.example");

  Agent owner(port, world.keys[0]);
  const bool opened =
      owner.open() &&
      owner.request("tools/call", R"({"name":"quota.open_project","arguments":{"secret":")" + world.secrets[0] + "\"}}")
              .status == 200;
  Agent thief(port, world.keys[1]);
  thief.session = owner.session;
  const RawAnswer stolen = thief.post(call);
  attacks.push_back(
      {"another tenant's session", opened && stolen.status != 200 && stolen.status != 0 && without_secret(stolen)});

  // What is hidden must look like what is not there.
  RawAnswer hidden = owner.request("tools/call", R"({"name":"quota.raise_limits","arguments":{}})");
  const RawAnswer unknown = owner.request("tools/call", R"({"name":"quota.raise_nothing","arguments":{}})");
  const auto words = [](std::string body) {
    for (const std::string_view name : {"raise_limits", "raise_nothing"}) {
      for (std::size_t at = 0; (at = body.find(name)) != std::string::npos;) body.replace(at, name.size(), "X");
    }
    body.erase(0, body.find("\"error\""));
    return body;
  };
  attacks.push_back({"a hidden tool", hidden.status == unknown.status && words(hidden.body) == words(unknown.body) &&
                                          hidden.body.find("-32602") != std::string::npos});

  const std::string forged =
      R"({"name":"quota.list_limits","arguments":{},"_meta":{"dev.bursar/context":"forged-context"}})";
  const RawAnswer plain = owner.request("tools/call", forged);
  attacks.push_back({"a forged identity in _meta", plain.status != 0 && !world.server.seen("forged-context")});
  attacks.push_back({"keys passed on to the server", !world.server.seen(world.keys[0].substr(7))});
  refused_with("headers that contradict the body", world.keys[0], 400,
               "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\n");
  return attacks;
}

struct Latency {
  double p50_ms = 0, p99_ms = 0;
};

Latency quantiles(std::vector<double> ms) {
  std::ranges::sort(ms);
  return ms.empty() ? Latency{} : Latency{ms[ms.size() / 2], ms[std::min(ms.size() - 1, ms.size() * 99 / 100)]};
}

Latency time_calls(Agent& agent, std::string_view params, std::size_t calls) {
  std::vector<double> ms;
  for (std::size_t k = 0; k < calls; ++k) {
    const auto begin = SteadyClock::now();
    (void)agent.request("tools/call", params);
    ms.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count());
  }
  return quantiles(std::move(ms));
}

void measure_overhead(World& world, std::size_t calls, Report& report) {
  Agent through(world.gateway->port(), world.keys[2]);
  const std::string url = world.server.url();
  Agent direct(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))), "");
  if (!through.open() || !direct.open())
    return report.not_run.emplace_back("H1, overhead: a client could not open"), void();
  (void)time_calls(through, kList, 20);
  const Latency at_server = time_calls(direct, R"({"name":"list_limits","arguments":{}})", calls);
  const Latency at_gateway = time_calls(through, kList, calls);
  Grid ms({"through the gateway", "straight to the server", "difference"}, {"p50", "p99"});
  for (std::size_t c = 0; c < 2; ++c) {
    const auto of = [c](const Latency& l) { return c == 0 ? l.p50_ms : l.p99_ms; };
    ms.add(0, c, of(at_gateway));
    ms.add(1, c, of(at_server));
    ms.add(2, c, of(at_gateway) - of(at_server));
  }
  report.tables.push_back(
      ms.table({.title = "H1, what the gateway adds, one call after the other on loopback",
                .quantity = "ms a call",
                .x_label = "",
                .kind = TableKind::kDetail,
                .note = "Measured on this machine as busy as it was; the sheet aims at p99 <= 3 ms and sets no bar."}));
}

}  // namespace

void add_isolation(const RunOptions& options, Report& report) {
  if (options.progress) options.progress("the gateway and 50 tenants");
  const RandomStream root = RandomStream(options.seed).split("isolation");
  auto world = start_world(root.split("secrets"));
  if (!world) {
    report.not_run.emplace_back("H1, isolation of tenants: the gateway could not be started: " + world.error().message);
    return;
  }
  const std::size_t requests = options.quick ? kRequests / 4 : kRequests;
  Traffic traffic;
  run_tenants(**world, requests, traffic);
  const double all = static_cast<double>(kTenants * requests);
  Grid leaks({"the gateway", "one credential and a cache"}, {"foreign", "own", "none"});
  const double shared = leak_of_shared_cache(requests, root.split("baseline"));
  for (const auto& [column, count] :
       {std::pair{0UL, traffic.foreign.load()}, {1UL, traffic.answered.load()}, {2UL, traffic.failed.load()}})
    leaks.add(0, column, static_cast<double>(count) / all);
  leaks.add(1, 0, shared);
  leaks.add(1, 1, 1 - shared);
  leaks.add(1, 2, 0);
  report.tables.push_back(
      leaks.table({.title = "H1, 50 tenants ask the same question 16 at a time, through the running gateway",
                   .quantity = "share of answers with data of another tenant, of its own, of none",
                   .x_label = "data"},
                  {{0, 1, 0}, {.97951, .02049, 0}}));
  report.bars.push_back(at_most("h1_foreign_answers", static_cast<double>(traffic.foreign.load()), "answers", 0));
  report.bars.push_back(at_least("h1_own_answers", static_cast<double>(traffic.answered.load()) / all, "share", 1));
  const std::vector<Attack> attacks = attack(**world);
  std::string let_in;
  for (const Attack& a : attacks) let_in += a.refused ? "" : (let_in.empty() ? "" : ", ") + a.name;
  const auto refused = std::ranges::count_if(attacks, &Attack::refused);
  report.bars.push_back(at_least("h1_attacks_refused", static_cast<double>(refused),
                                 "of " + std::to_string(attacks.size()), static_cast<double>(attacks.size())));
  if (!let_in.empty()) report.notes.push_back("H1, not refused: " + let_in + ".");
  report.notes.push_back(
      "H1: every tenant has an upstream session of its own (" + std::to_string((**world).server.sessions()) +
      " were opened), which is what keeps them apart; `isolation: shared` would not, and is there for "
      "servers without state. The baseline is computed, not run: its cache serves the first answer to all.");
  measure_overhead(**world, options.quick ? kTimed / 4 : kTimed, report);
  report.not_run.emplace_back(
      "H1: a wrong audience and a replayed requestState (tests/e2e try both), and a foreign taskId; they need an "
      "issuer "
      "and servers that ask back or have tasks");
}

}  // namespace bursar::reproduce
