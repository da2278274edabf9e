// Model calls on a real ledger with a simulated clock and upstreams that the test speaks for. For tests of this folder.
//
//   ModelWorld world;
//   world.limit("10 calls");  world.upstream("one");
//   auto run = world.begin(R"({"model":"one/m","messages":[]})");
//   run->answer(0, 200, R"({"usage":{…}})");
//   EXPECT_EQ(run->response->status, 200);
#pragma once

#include <gtest/gtest.h>

#include "bursar/broker/audit/audit_table.h"
#include "bursar/broker/config/values.h"
#include "bursar/broker/models/model_run.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/ledger/sqlite_store.h"

namespace bursar::broker {

class ModelWorld;

// One call and everything that it made happen outside.
struct TestedRun final : ModelEffects {
  struct Sent {
    std::string upstream, model, body;
    Duration timeout{0};
    bool cancelled = false;
  };
  ModelWorld* world = nullptr;
  std::vector<Sent> sent;
  std::optional<HttpResponse> response, opened;
  std::string streamed;
  bool finished = false;
  std::optional<Duration> woken_in;
  std::vector<ledger::ReserveRequest> asked;
  std::unique_ptr<ModelRun> run;

  void reserve(ledger::ReserveRequest request) override { asked.push_back(std::move(request)); }
  void send(std::size_t attempt, const ModelAttempt& to, std::string body) override {
    EXPECT_EQ(attempt, sent.size());
    sent.push_back({to.endpoint->config.name, to.model, std::move(body), to.timeout});
  }
  void cancel(std::size_t attempt) override { sent.at(attempt).cancelled = true; }
  void wake(Duration in) override { woken_in = in; }
  void answer(HttpResponse given) override {
    EXPECT_FALSE(response || opened) << "answered twice";
    response = std::move(given);
  }
  void stream(HttpResponse head) override {
    EXPECT_FALSE(response || opened) << "answered twice";
    opened = std::move(head);
  }
  void write(std::string piece) override {
    EXPECT_TRUE(opened && !finished);
    streamed += piece;
  }
  void finish() override {
    EXPECT_TRUE(opened && !finished);
    finished = true;
  }

  // What the upstream of that attempt does.
  void head(std::size_t attempt, int status, std::string type = "application/json",
            std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
    run->head(attempt, {.status = status, .content_type = std::move(type), .retry_after = retry_after});
  }
  void body(std::size_t attempt, std::string_view bytes);
  void end(std::size_t attempt, std::optional<Cause> failure = std::nullopt, bool was_sent = true);
  void answer(std::size_t attempt, int status, std::string_view text) {
    head(attempt, status);
    body(attempt, text);
    end(attempt);
  }
  void events(std::size_t attempt, std::string_view text) {
    head(attempt, 200, "text/event-stream");
    body(attempt, text);
  }
  void wake_up();  // when it asked for
  [[nodiscard]] std::string header(std::string_view name) const {
    for (const auto& [key, value] : (response ? response : opened)->headers) {
      if (key == name) return value;
    }
    return "";
  }
};

class ModelWorld {
 public:
  ModelWorld() {
    auto store = ledger::open_sqlite_store({.path = ":memory:"});
    auto opened = ledger::Ledger::open(std::move(*store), clock);
    EXPECT_TRUE(opened);
    ledger = std::move(*opened);
    EXPECT_TRUE(ledger->put_account({.path = "acme"}));
    EXPECT_TRUE(ledger->put_account({.path = "acme/ada"}));
  }

  void limit(std::string_view text, const std::string& account = "acme/ada") {
    ledger::AccountSpec spec = *ledger->account(account);
    spec.limits.push_back(*parse_limit(text));
    EXPECT_TRUE(ledger->put_account(spec));
  }
  ModelUpstreamConfig& upstream(const std::string& name) {
    return config.models.upstreams.emplace_back(ModelUpstreamConfig{.name = name, .url = "http://localhost:1/v1"});
  }
  void price(std::string_view input, std::string_view output, const std::string& upstream = "*") {
    config.models.prices.push_back(
        {.upstream = upstream, .input = *parse_amounts(input), .output = *parse_amounts(output)});
  }

  Pipeline& pipeline() {
    if (pipeline_) return *pipeline_;
    PipelineDeps deps{.clock = &clock};
    deps.try_reserve = [this](const ledger::ReserveRequest& request) { return ledger->reserve_blocking(request); };
    deps.latencies = &latencies;
    deps.left = [this](std::string_view) { return left; };
    pipeline_ = std::make_unique<Pipeline>(std::move(deps), pipeline_config(config));
    return *pipeline_;
  }

  std::unique_ptr<TestedRun> begin(std::string body, ModelApi api = ModelApi::kChat, std::string turn = "") {
    auto table = std::make_shared<ModelTable>();
    for (const auto& upstream : config.models.upstreams) {
      auto endpoint = std::make_shared<ModelEndpoint>();
      endpoint->config = upstream;
      endpoint->base = "/v1";
      table->endpoints.push_back(std::move(endpoint));
    }
    table->routes = ModelRoutes(config.models);
    table->prices = *ModelPrices::make(config.models);
    auto request = read_model_request(api, body, {});
    EXPECT_TRUE(request) << (request ? "" : request.error().message);
    auto out = std::make_unique<TestedRun>();
    out->world = this;
    out->run = std::make_unique<ModelRun>(
        ModelServices{.pipeline = &pipeline(),
                      .ledger = ledger.get(),
                      .clock = &clock,
                      .metrics = &metrics,
                      .audit =
                          [this](const AuditEntry& entry) {
                            EXPECT_TRUE(decode_fields(encode_fields(entry), records.emplace_back()));
                          },
                      .trace = [this](std::vector<Span> ended) { spans = std::move(ended); },
                      .pace = pace},
        table,
        ModelCall{.id = "call-" + std::to_string(++calls_),
                  .arrived = clock.now(),
                  .principal = {.subject = "key:ada", .account = "acme/ada"},
                  .api = api,
                  .request = *request,
                  .body = std::move(body),
                  .turn = std::move(turn)},
        *out);
    out->run->begin(clock.now());
    return out;
  }

  // Of acme/ada's limit on that resource; spent and held are also checked to be sound.
  ledger::Standing standing(Resource resource, const std::string& account = "acme/ada") {
    for (const auto& line : ledger->standing(account)) {
      if (line.account == account && line.limit.resource == resource) return line;
    }
    ADD_FAILURE() << "no such limit";
    return {};
  }

  SimulatedClock clock{wall_from_unix_us(1'800'000'000'000'000)};
  std::unique_ptr<ledger::Ledger> ledger;
  Metrics metrics;
  schedule::LatencyStore latencies;
  Config config;
  Amounts left;
  Pace pace;
  std::vector<AuditRecord> records;
  std::vector<Span> spans;  // of the call that ended last

 private:
  std::unique_ptr<Pipeline> pipeline_;
  int calls_ = 0;
};

inline void TestedRun::body(std::size_t attempt, std::string_view bytes) {
  run->body(attempt, bytes, world->clock.now());
}
inline void TestedRun::end(std::size_t attempt, std::optional<Cause> failure, bool was_sent) {
  run->ended(attempt, {.failure = failure, .sent = was_sent}, world->clock.now());
}
inline void TestedRun::wake_up() {
  ASSERT_TRUE(woken_in);
  world->clock.advance(*std::exchange(woken_in, std::nullopt));
  run->woken(world->clock.now());
}

inline std::string usage(std::int64_t prompt, std::int64_t completion) {
  return R"({"prompt_tokens":)" + std::to_string(prompt) + R"(,"completion_tokens":)" + std::to_string(completion) +
         R"(,"total_tokens":)" + std::to_string(prompt + completion) + "}";
}
inline std::string completion(std::int64_t prompt, std::int64_t tokens) {
  return R"({"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}],"usage":)" +
         usage(prompt, tokens) + "}";
}
inline std::string delta(std::string_view text) {
  return R"(data: {"choices":[{"index":0,"delta":{"content":")" + std::string(text) + "\"}}]}\n\n";
}
inline std::string usage_event(std::int64_t prompt, std::int64_t tokens) {
  return R"(data: {"choices":[],"usage":)" + usage(prompt, tokens) + "}\n\n";
}
inline constexpr std::string_view kFinish =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
inline constexpr std::string_view kDone = "data: [DONE]\n\n";

}  // namespace bursar::broker
