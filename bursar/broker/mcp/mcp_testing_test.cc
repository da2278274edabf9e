// The parts of mcp_testing.h: linked into the test program only.
#include "bursar/broker/mcp/mcp_testing.h"

#include <algorithm>
#include <thread>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"
#include "bursar/ledger/sqlite_store.h"

namespace bursar::broker {
namespace testing {
namespace {

// sk-ada and sk-bob are ada and bob, who have an account each.
class TwoKeys final : public KeyVerifier {
 public:
  std::optional<Principal> verify(std::string_view secret) const override {
    if (secret == "sk-ada") return Principal{.subject = "key:ada", .account = "ada"};
    if (secret == "sk-bob") return Principal{.subject = "key:bob", .account = "bob"};
    if (secret == "sk-brief") {  // over a moment after it was shown
      const auto now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
      return Principal{.subject = "key:brief", .account = "ada", .until = now + std::chrono::milliseconds{150}};
    }
    return std::nullopt;
  }
};

}  // namespace

class FakeSession final : public UpstreamSession {
 public:
  FakeSession(std::shared_ptr<FakeUpstream> upstream, std::shared_ptr<UpstreamEvents> events)
      : upstream_(std::move(upstream)), events_(std::move(events)) {}

  Ticket request(UpstreamRequest request, RequestSink sink, RequestDone done) override {
    const std::scoped_lock lock(upstream_->mutex_);
    const Ticket ticket = upstream_->next_++;
    upstream_->reactor_.post(
        [up = upstream_, events = events_, ticket, r = std::move(request), s = std::move(sink),
         d = std::move(done)]() mutable { up->request(events, ticket, std::move(r), std::move(s), std::move(d)); });
    return ticket;
  }
  void cancel(Ticket ticket, std::string_view) override {
    upstream_->reactor_.post([up = upstream_, ticket] {
      up->note("cancelled");
      RequestDone done;
      {
        const std::scoped_lock lock(up->mutex_);
        const auto found = up->waiting_.find(ticket);
        if (found == up->waiting_.end()) return;
        done = std::move(found->second);
        up->waiting_.erase(found);
      }
      done({.failure = Cause::kCancelled, .sent = true});
    });
  }
  void notify(std::string method, std::string) override { upstream_->note(std::move(method)); }
  void respond(std::string message) override {
    upstream_->note("response " + message);
    upstream_->reactor_.post([up = upstream_, message = std::move(message)] {
      auto parsed = Message::parse(message);
      if (!parsed) return;
      RequestDone done;
      {
        const std::scoped_lock lock(up->mutex_);
        const auto asked = up->asked_.find(std::string(parsed->id()));
        if (asked == up->asked_.end()) return;
        done = std::move(up->waiting_[asked->second]);
        up->waiting_.erase(asked->second);
        up->asked_.erase(asked);
      }
      if (done) done({.result = R"({"content":[],"answer":)" + std::string(parsed->text()) + "}", .sent = true});
    });
  }

 private:
  std::shared_ptr<FakeUpstream> upstream_;
  std::shared_ptr<UpstreamEvents> events_;
};

Result<std::shared_ptr<UpstreamSession>> FakeUpstream::open(OpenSession open) {
  const std::scoped_lock lock(mutex_);
  events_.push_back(open.events);
  return std::make_shared<FakeSession>(shared_from_this(), open.events);
}

UpstreamStatus FakeUpstream::status() const {
  return {.name = name_,
          .up = true,
          .capabilities =
              R"({"tools":{"listChanged":true},"prompts":{"listChanged":true},"logging":{},"completions":{},)"
              R"("resources":{"subscribe":true,"listChanged":true}})",
          .instructions = "Use " + name_};
}

void FakeUpstream::note(std::string text) {
  const std::scoped_lock lock(mutex_);
  seen_.push_back(std::move(text));
}

std::vector<std::string> FakeUpstream::seen() const {
  const std::scoped_lock lock(mutex_);
  return seen_;
}

std::size_t FakeUpstream::waiting() const {
  const std::scoped_lock lock(mutex_);
  return waiting_.size();
}

void FakeUpstream::set_tools(std::vector<std::string> tools) {
  const std::scoped_lock lock(mutex_);
  tools_ = std::move(tools);
}

void FakeUpstream::release() {
  reactor_.post([self = shared_from_this()] {
    std::map<Ticket, RequestDone> waiting;
    {
      const std::scoped_lock lock(self->mutex_);
      waiting.swap(self->waiting_);
    }
    for (auto& [ticket, done] : waiting)
      done({.result = R"({"content":[{"type":"text","text":"done"}]})", .sent = true});
  });
}

void FakeUpstream::say(std::string_view message) {
  reactor_.post([self = shared_from_this(), text = std::string(message)] {
    std::vector<std::weak_ptr<UpstreamEvents>> all;
    {
      const std::scoped_lock lock(self->mutex_);
      all = self->events_;
    }
    for (const auto& weak : all) {
      const auto events = weak.lock();
      if (!events) continue;
      Message parsed = *Message::parse(text);
      if (parsed.kind() == MessageKind::kRequest)
        events->on_request(std::move(parsed));
      else
        events->on_notification(std::move(parsed));
    }
  });
}

std::string FakeUpstream::list(std::string_view method) const {
  if (method == "prompts/list") return R"({"prompts":[{"name":"p"}]})";
  if (method == "resources/list") return R"({"resources":[{"uri":"mem://a","name":"a"}]})";
  if (method == "resources/templates/list") return R"({"resourceTemplates":[{"uriTemplate":"mem://{id}","name":"t"}]})";
  std::string out = R"({"tools":[)";
  for (const std::string& tool : tools_) {
    if (out.back() == '}') out += ',';
    out += R"({"name":")" + tool + R"(","inputSchema":{"type":"object","properties":{"n":{"type":"number"}}}})";
  }
  return out + "]}";
}

void FakeUpstream::request(const std::shared_ptr<UpstreamEvents>&, Ticket ticket, UpstreamRequest request,
                           RequestSink sink, RequestDone done) {
  note(request.method == "logging/setLevel" ? request.method + " " + request.params : request.method);
  std::unique_lock lock(mutex_);
  if (down_) {
    lock.unlock();
    return done({.failure = Cause::kConnect, .detail = "down"});
  }
  if (request.method.ends_with("/list")) {
    std::string result = list(request.method);
    lock.unlock();
    return done({.result = std::move(result), .sent = true});
  }
  const std::string tool = raw_string(raw_member(request.params, "name"));
  if (request.method != "tools/call" || tool == "echo") {
    lock.unlock();
    return done({.result = R"({"content":[],"method":")" + request.method + R"(","params":)" +
                           (request.params.empty() ? "{}" : request.params) + "}",
                 .sent = true});
  }
  if (tool == "fail") {
    lock.unlock();
    return done({.error = R"({"code":-32602,"message":"no"})", .sent = true});
  }
  waiting_[ticket] = std::move(done);
  if (tool == "ask") asked_["77"] = ticket;
  lock.unlock();
  if (tool == "ask") sink(*Message::parse(make_request("77", "sampling/createMessage", R"({"x":1})")));
  if (tool == "progress") {
    const std::string token(raw_member(raw_member(request.params, "_meta"), "progressToken"));
    for (const char* step : {"1", "2"}) {
      const std::string params =
          R"({"progressToken":)" + (token.empty() ? "0" : token) + R"(,"progress":)" + step + "}";
      sink(*Message::parse(make_notification("notifications/progress", params)));
    }
  }
}

Rig::Rig(std::function<void(Config&)> change) {
  config.listen.port = 0;
  config.accounts = {{.path = "dev"}, {.path = "ada"}, {.path = "bob"}};
  config.upstreams = {{.name = "one"}, {.name = "two"}};
  if (change) change(config);
  auto store = ledger::open_sqlite_store({.path = ":memory:"});
  ledger = std::move(*ledger::Ledger::open(std::move(*store), clock));
  for (auto account : config.accounts) {
    if (account.limits.empty()) account.limits = {{.resource = kCalls, .amount = 1000}};
    (void)ledger->put_account(account);
  }
  keys = std::make_unique<TwoKeys>();
  PipelineDeps deps;
  deps.clock = &clock;
  deps.keys = keys.get();
  deps.try_reserve = [this](const ledger::ReserveRequest& r) { return ledger->try_reserve(r); };
  deps.resolve = [this](const Call& call, std::string_view exposed) {
    const bool completing = call.request.method() == "completion/complete";
    return services->catalogue->current()->resolve(call.ingress.server,
                                                   completing ? "prompts/get" : call.request.method(), exposed);
  };
  pipeline = std::make_unique<Pipeline>(std::move(deps), pipeline_config(config));
  upstream = std::make_shared<FakeUpstream>("one", reactors.at(1));
  second = std::make_shared<FakeUpstream>("two", reactors.at(0));
  auto all = std::make_shared<UpstreamSet>();
  all->entries = {{config.upstreams[0], upstream}, {config.upstreams[1], second}};
  set = all;
  services = std::make_shared<McpServices>();
  services->calls = {.pipeline = pipeline.get(), .ledger = ledger.get(), .clock = &clock, .metrics = &metrics};
  services->instance = "test";
  services->upstreams = [this] { return set; };
  sessions = std::make_unique<SessionTable>(services);
  services->catalogue =
      CatalogueKeeper::make(reactors.at(0), pipeline->contracts(),
                            [this](const std::string& name, ListKind kind) { door->list_changed(name, kind); });
  door = std::make_unique<McpDoor>(services, *sessions);
  server = std::move(*HttpServer::listen(
      reactors, {.limits = config.limits, .handler = [this](HttpRequest request, std::shared_ptr<Exchange> exchange) {
                   door->handle(std::move(request), std::move(exchange));
                 }}));
  reactors.start();
  services->catalogue->set(set);
}

Rig::~Rig() {
  door->close_all(Cause::kShutdown);
  services->catalogue->close();
  server->close();
  reactors.finish();
  reactors.join();
}

std::string Rig::request(std::string_view body, std::string_view session, std::string_view more,
                         std::string_view path) {
  std::string out = "POST " + std::string(path) +
                    " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    "Accept: application/json, text/event-stream\r\n";
  if (!session.empty()) out += "Mcp-Session-Id: " + std::string(session) + "\r\n";
  out += std::string(more) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  return out;
}

RawAnswer Rig::post(std::string_view body, std::string_view session, std::string_view more) {
  RawClient client(port());
  client.send(request(body, session, more));
  RawAnswer answer = client.answer();
  if (answer.header("transfer-encoding") == "chunked") answer.body = client.read_until("0\r\n\r\n");
  return answer;
}

std::string Rig::open(std::string_view capabilities, std::string_view more) {
  const std::string params =
      R"({"protocolVersion":"2025-11-25","clientInfo":{"name":"t","version":"1"},"capabilities":)" +
      std::string(capabilities) + "}";
  return post(make_request("0", "initialize", params), "", more).header("mcp-session-id");
}

std::int64_t Rig::spent(std::string_view account, Resource resource) const {
  for (const auto& standing : ledger->standing(account)) {
    if (standing.account == account && standing.limit.resource == resource) return standing.spent;
  }
  return -1;
}

std::int64_t Rig::held(std::string_view account) const {
  for (const auto& standing : ledger->standing(account)) {
    if (standing.account == account) return standing.held;
  }
  return -1;
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return false;
}

}  // namespace testing
}  // namespace bursar::broker
