#include "bursar/cli/sim_model/sim_model_command.h"

#include <gmock/gmock.h>
#include <sstream>

#include "bursar/broker/http/raw_client.h"
#include "bursar/cli/sim_model/mcp_tools.h"
#include "bursar/cli/sim_model/model_door.h"
#include "bursar/core/json.h"
#include "bursar/simulate/question.h"

namespace bursar::cli {
namespace {

using broker::testing::RawAnswer;
using broker::testing::RawClient;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::uint64_t kSeed = 7;

class SimModelDoor : public ::testing::Test {
 protected:
  void start(std::string_view faults = "", double latency_scale = 0) {
    auto parsed = Faults::parse(faults, kSeed);
    ASSERT_TRUE(parsed) << parsed.error().message;
    door_ = std::make_shared<ModelDoor>(
        ModelDoorOptions{.seed = kSeed, .latency_scale = latency_scale, .faults = std::move(*parsed)});
    auto server = broker::HttpServer::listen(
        reactors_,
        {.handler = [door = door_](const auto& request, const auto& exchange) { door->handle(request, exchange); }});
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    reactors_.start();
  }
  void TearDown() override {
    if (server_) server_->close();
    reactors_.finish();
    reactors_.join();
  }
  [[nodiscard]] static std::string posting(std::string_view path, std::string_view body) {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }
  RawAnswer post(std::string_view path, std::string_view body) {
    RawClient client(server_->port());
    client.send(posting(path, body));
    return client.answer();
  }
  RawAnswer get(std::string_view target) {
    RawClient client(server_->port());
    client.send("GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client.answer();
  }
  [[nodiscard]] std::int64_t counted(std::string_view kind, std::string_view what) {
    const auto document = parse_json(get("/v1/simulated/usage").body);
    return *JsonView(*document)
                .at("total")
                .and_then([&](const JsonView& v) { return v.at(kind); })
                .and_then([&](const JsonView& v) { return v.int_at(what); });
  }

  broker::Reactors reactors_{1};
  std::shared_ptr<ModelDoor> door_;
  std::unique_ptr<broker::HttpServer> server_;
};

constexpr std::string_view kAsk = R"({"model":"sim-small","messages":[{"role":"user","content":"How many?"}]})";
constexpr std::string_view kStream =
    R"({"model":"sim-small","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"How many?"}]})";

TEST_F(SimModelDoor, SaysAtEveryDoorThatItIsSimulated) {
  start();
  for (const char* path : {"/v1/models", "/v1/simulated/usage", "/nothing", "/v1/simulated/truth?question=x"})
    EXPECT_EQ(get(path).header("x-simulated"), "true") << path;
  const RawAnswer answer = post("/v1/chat/completions", kAsk);
  EXPECT_EQ(answer.header("x-simulated"), "true");
  EXPECT_THAT(answer.body, HasSubstr(R"("system_fingerprint":"simulated-7")"));
  EXPECT_THAT(get("/v1/models").body, HasSubstr("bursar-simulated"));
  std::ostringstream out, err;
  EXPECT_EQ(run_sim_model({"--help"}, {out, err}), 0);
  EXPECT_THAT(out.str(), HasSubstr("SIMULATED"));
}

TEST_F(SimModelDoor, CountsWhatItSaysThatItUsed) {
  start();
  const auto answer = parse_json(post("/v1/chat/completions", kAsk).body);
  ASSERT_TRUE(answer);
  const auto usage = *JsonView(*answer).at("usage");
  EXPECT_EQ(counted("whole", "calls"), 1);
  EXPECT_EQ(counted("whole", "prompt_tokens"), *usage.int_at("prompt_tokens"));
  EXPECT_EQ(counted("whole", "completion_tokens"), *usage.int_at("completion_tokens"));
}

TEST_F(SimModelDoor, StreamsATokenAnEvent) {
  start();
  RawClient client(server_->port());
  client.send(posting("/v1/chat/completions", kStream));
  const std::string all = client.read_until("data: [DONE]\n\n");
  std::int64_t events = 0;
  for (std::size_t at = all.find("{\"content\":"); at != std::string::npos; at = all.find("{\"content\":", at + 1))
    ++events;
  EXPECT_EQ(events, counted("whole", "completion_tokens"));
  EXPECT_THAT(all, HasSubstr("\"completion_tokens\":" + std::to_string(events) + ","));
}

TEST_F(SimModelDoor, BreaksAsItIsTold) {
  start("half=1");
  for (const std::string_view ask : {kAsk, kStream}) {
    RawClient client(server_->port());
    client.send(posting("/v1/chat/completions", ask));
    EXPECT_TRUE(client.ended());
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_EQ(counted("broken", "calls"), 2);
  EXPECT_EQ(counted("whole", "calls"), 0);
  EXPECT_GT(counted("broken", "completion_tokens"), 0);
}

TEST_F(SimModelDoor, DropsAndRefuses) {
  start("drop=.5,503=.5");
  int dropped = 0, refused = 0;
  for (int i = 0; i < 20; ++i) {
    RawClient client(server_->port());
    client.send(posting("/v1/chat/completions", kAsk));
    const RawAnswer answer = client.answer();
    dropped += answer.status == 0;
    if (answer.status != 503) continue;
    ++refused;
    EXPECT_EQ(answer.header("retry-after"), "1");
  }
  EXPECT_EQ(dropped + refused, 20);
  EXPECT_GT(std::min(dropped, refused), 0);
  EXPECT_EQ(counted("broken", "calls"), dropped);
  EXPECT_EQ(counted("refused", "calls"), refused);
}

TEST_F(SimModelDoor, CountsUntilTheReaderLeft) {
  start("", 1);
  RawClient client(server_->port());
  client.send(posting("/v1/chat/completions", kStream));
  EXPECT_FALSE(client.read_until("{\"content\":").empty());
  client.close();
  for (int i = 0; i < 500 && counted("broken", "calls") == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  EXPECT_EQ(counted("broken", "calls"), 1);
  EXPECT_GE(counted("broken", "completion_tokens"), 1);
}

TEST_F(SimModelDoor, NamesTheFieldThatIsWrong) {
  start();
  const auto param = [&](std::string_view body) {
    const RawAnswer answer = post("/v1/chat/completions", body);
    EXPECT_EQ(answer.status, 400) << body;
    const auto document = parse_json(answer.body);
    EXPECT_TRUE(document) << answer.body;
    return to_json(document->at("error").at("param"));
  };
  EXPECT_EQ(param(R"({"model":"m","messages":[]})"), R"("messages")");
  EXPECT_EQ(param(R"({"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":0})"), R"("max_tokens")");
  EXPECT_EQ(param(R"({"model":"m","messages":[{"role":"user","content":"x"}],"temperature":"hot"})"),
            R"("temperature")");
  EXPECT_EQ(post("/v1/chat/completions", "{").status, 400);
  EXPECT_EQ(counted("whole", "calls"), 0);
}

TEST_F(SimModelDoor, EmbedsAndTellsTheTruth) {
  start();
  const auto embedded = parse_json(post("/v1/embeddings", R"({"model":"m","input":["a b","c"],"dimensions":8})").body);
  ASSERT_TRUE(embedded);
  EXPECT_EQ(embedded->at("data").as_array().size(), 2U);
  EXPECT_EQ(embedded->at("data").at(0).at("embedding").as_array().size(), 8U);
  EXPECT_EQ(embedded->at("usage").at("total_tokens"), 3);
  const auto truth = parse_json(get("/v1/simulated/truth?question=How%20many%3F").body);
  EXPECT_EQ(truth->at("truth").as_string(), simulate::simulated_truth(kSeed, "How many?"));
}

TEST_F(SimModelDoor, AnswersAsAToolServer) {
  start();
  const auto ask = [&](std::string_view method, std::string_view params) {
    return post("/mcp", R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(method) + R"(","params":)" +
                            std::string(params) + "}")
        .body;
  };
  EXPECT_THAT(ask("initialize", R"({"protocolVersion":"2025-06-18"})"), HasSubstr(R"("protocolVersion":"2025-06-18")"));
  EXPECT_EQ(post("/mcp", R"({"jsonrpc":"2.0","method":"notifications/initialized"})").status, 202);
  EXPECT_TRUE(parse_json(ask("tools/list", "{}")));
  EXPECT_THAT(ask("tools/call", R"({"name":"search","arguments":{"query":"Kalomi"}})"), HasSubstr("Kalomi leads to "));
  EXPECT_THAT(ask("tools/call", R"({"name":"calculator","arguments":{"expression":"2*7"}})"),
              HasSubstr(R"("text":"14")"));
  EXPECT_THAT(ask("tools/call", R"({"name":"search","arguments":{}})"), HasSubstr(R"("isError":true)"));
  EXPECT_THAT(ask("nothing", "{}"), HasSubstr("-32601"));
}

TEST(Calculator, ComputesOrSaysWhyNot) {
  EXPECT_EQ(*calculate("1 + 2 * 3 - -4 / 2"), 9);
  EXPECT_EQ(*calculate("(1.5)"), 1.5);
  for (const char* wrong : {"", "1 +", "(1", "1)", "x", "1/0", "1e999", "2 3"}) EXPECT_FALSE(calculate(wrong)) << wrong;
  EXPECT_FALSE(calculate(std::string(10000, '(')));
  EXPECT_FALSE(calculate(std::string(10000, '-') + "1"));
}

TEST(Faults, AreTheSameForTheSameRequestsInAnyOrder) {
  const auto all = [](std::vector<std::string> bodies) {
    auto faults = Faults::parse("drop=.3,500=.2", kSeed);
    std::multiset<std::string> met;
    for (const std::string& body : bodies) met.insert(body + std::to_string(static_cast<int>(faults->draw(body).kind)));
    return met;
  };
  EXPECT_EQ(all({"a", "b", "a", "c", "a"}), all({"c", "a", "a", "b", "a"}));
}

TEST(Faults, SayWhichEntryIsWrong) {
  for (const char* wrong : {"drop", "drop=2", "nothing=.1", "200=.1", "drop=.9,half=.9", "drop=.1,,", "drop=nan"})
    EXPECT_FALSE(Faults::parse(wrong, kSeed)) << wrong;
  EXPECT_THAT(Faults::parse("drop=.1,later=.1", kSeed).error().message, HasSubstr("later=.1"));
}

}  // namespace
}  // namespace bursar::cli
