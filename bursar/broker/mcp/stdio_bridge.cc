#include "bursar/broker/mcp/stdio_bridge.h"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <deque>
#include <map>
#include <poll.h>
#include <sys/signalfd.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "bursar/broker/mcp/modern_headers.h"
#include "bursar/broker/net/http_client.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/upstream/sse_parser.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxLine = 8 << 20;
constexpr std::size_t kMaxRunning = 1024, kMaxWaiting = 256;
constexpr int kInternalError = -32603, kInvalidRequest = -32600;
constexpr Duration kForever = std::chrono::hours{24};
constexpr std::chrono::milliseconds kReconnect{1000};
constexpr std::chrono::seconds kFarewell{2};

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string line_of(std::string_view message) {
  std::string line(message);
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';  // only white space between tokens can hold one
  }
  return line += '\n';
}

class Bridge : public std::enable_shared_from_this<Bridge> {
 public:
  Bridge(Reactor& reactor, std::shared_ptr<const Endpoint> endpoint, const BridgeOptions& options)
      : reactor_(reactor), client_(std::move(endpoint)), options_(options), reconnect_(reactor.context()) {}

  void line(std::string text);
  void close(std::function<void()> closed);
  [[nodiscard]] bool broken() const { return broken_.load(); }

 private:
  // The answer to one POST, or the standing event stream of a legacy session (id empty).
  struct Exchange {
    std::string id, method;  // the request's; raw id
    bool modern = false, streaming = false, answered = false;
    int status = 0;
    SseParser events;
    std::string body;
    std::shared_ptr<HttpCall> call;
  };
  using ExchangePtr = std::shared_ptr<Exchange>;

  void legacy(const Message& message);
  void modern(Message message);
  void send_modern(const Message& message);
  void learn_tools(std::string cursor);
  void learn(std::string_view result);
  void cancel(std::string_view id);
  void post(const Message& message, Headers headers, bool modern);
  void listen();
  void head(const ExchangePtr& exchange, const HttpHead& head);
  void piece(const ExchangePtr& exchange, std::string_view bytes);
  void said(const ExchangePtr& exchange, std::string_view message);
  void ended(const ExchangePtr& exchange, const HttpEnd& end);
  void fail(std::string_view id, int code, std::string_view why);
  void write(std::string_view message);
  [[nodiscard]] Headers common() const;
  [[nodiscard]] Headers in_session() const;

  Reactor& reactor_;
  HttpClient client_;
  BridgeOptions options_;
  boost::asio::steady_timer reconnect_;
  std::map<std::string, ExchangePtr> running_;  // by id; a listening stream under the empty one
  std::string session_, version_, last_event_;
  bool initialising_ = false, closed_ = false;
  std::deque<std::string> waiting_;  // until the session stands, or the tools are known
  bool tools_known_ = false, learning_ = false;
  std::map<std::string, std::vector<HeaderParam>, std::less<>> mirrored_;  // by tool
  std::atomic<bool> broken_{false};
};

Headers Bridge::common() const {
  Headers headers{{"Content-Type", "application/json"}, {"Accept", "application/json, text/event-stream"}};
  if (!options_.authorization.empty()) headers.emplace_back("Authorization", options_.authorization);
  return headers;
}

Headers Bridge::in_session() const {
  Headers headers = common();
  if (!session_.empty()) headers.emplace_back("Mcp-Session-Id", session_);
  if (!version_.empty()) headers.emplace_back("MCP-Protocol-Version", version_);
  return headers;
}

void Bridge::write(std::string_view message) {
  const std::string line = line_of(message);
  std::string_view rest(line);
  while (!rest.empty() && !broken_.load()) {
    const ssize_t done = ::write(options_.out, rest.data(), rest.size());
    if (done > 0) rest.remove_prefix(static_cast<std::size_t>(done));
    if (done < 0 && errno != EINTR) broken_.store(true);
  }
}

void Bridge::fail(std::string_view id, int code, std::string_view why) {
  if (!id.empty()) write(make_error(id, code, why));
}

void Bridge::line(std::string text) {
  if (closed_) return;
  auto message = Message::parse(text, {.bytes = kMaxLine, .depth = 128});
  if (!message) {
    const std::string error =
        message.error().payload.empty() ? R"({"code":-32700,"message":"Parse error"})" : message.error().payload;
    return write(R"({"jsonrpc":"2.0","id":null,"error":)" + error + "}");
  }
  if (speaks_modern(*message, {})) return modern(std::move(*message));
  // The notification of a modern client need not say so; a legacy one is about a request of the session.
  const bool cancels = message->method() == "notifications/cancelled";
  const auto found = cancels ? running_.find(std::string(raw_member(message->params(), "requestId"))) : running_.end();
  if (found != running_.end() && found->second->modern) return cancel(found->first);
  legacy(*message);
}

void Bridge::legacy(const Message& message) {
  if (initialising_) {
    if (waiting_.size() < kMaxWaiting) return waiting_.emplace_back(message.text()), void();
    return fail(message.id(), kInvalidRequest, "too many messages before the session is initialised");
  }
  if (message.kind() == MessageKind::kRequest && message.method() == "initialize") {
    initialising_ = true;
    session_.clear();
    version_.clear();
  }
  post(message, in_session(), false);
}

void Bridge::modern(Message message) {
  if (message.kind() == MessageKind::kNotification) {
    if (message.method() == "notifications/cancelled") cancel(raw_member(message.params(), "requestId"));
    return;
  }
  if (message.method() != "tools/call" || tools_known_) return send_modern(message);
  // Which arguments a tool wants to see in headers is known from the list only.
  if (waiting_.size() >= kMaxWaiting) return fail(message.id(), kInvalidRequest, "too many messages wait");
  waiting_.emplace_back(message.text());
  if (!std::exchange(learning_, true)) learn_tools({});
}

void Bridge::send_modern(const Message& message) {
  const std::string_view method = message.method();
  Headers headers = common();
  headers.emplace_back("MCP-Protocol-Version", raw_string(raw_member(message.meta(), kVersionKey)));
  headers.emplace_back("Mcp-Method", as_header(method));
  if (const std::string_view field = named_member(method); !field.empty()) {
    if (const std::string_view raw = raw_member(message.params(), field); raw.starts_with('"')) {
      headers.emplace_back("Mcp-Name", as_header(raw_string(raw)));
    }
  }
  if (method == "tools/call") {
    if (const auto tool = mirrored_.find(message.name()); tool != mirrored_.end()) {
      for (auto& header : mirrored_headers(tool->second, message.arguments())) headers.push_back(std::move(header));
    }
  }
  post(message, std::move(headers), true);
}

void Bridge::learn_tools(std::string cursor) {
  std::string params = R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                       R"("io.modelcontextprotocol/clientCapabilities":{}})";
  if (!cursor.empty()) params += ",\"cursor\":" + cursor;
  ClientRequest request{.method = "POST", .headers = common(), .body = make_request("0", "tools/list", params + "}")};
  request.headers.emplace_back("MCP-Protocol-Version", kModernVersion);
  request.headers.emplace_back("Mcp-Method", "tools/list");
  client_.fetch(reactor_, std::move(request), [self = shared_from_this()](Result<HttpAnswer> answer) {
    std::string next;
    if (answer && answer->status == 200) {
      const std::string_view result = raw_member(answer->body, "result");
      self->learn(result);
      next = raw_member(result, "nextCursor");
    }
    if (!next.empty()) return self->learn_tools(std::move(next));
    self->tools_known_ = true;
    self->learning_ = false;
    for (std::string& text : std::exchange(self->waiting_, {})) self->line(std::move(text));
  });
}

void Bridge::learn(std::string_view result) {
  const auto tools = parse_json(raw_member(result, "tools"), {.max_bytes = kMaxLine});
  if (!tools || !tools->is_array()) return;
  for (const auto& tool : tools->get_array()) {
    const auto* const object = tool.if_object();
    const auto* const name = object == nullptr ? nullptr : object->if_contains("name");
    const auto* const schema = object == nullptr ? nullptr : object->if_contains("inputSchema");
    if (name == nullptr || !name->is_string() || schema == nullptr) continue;
    auto params = header_params(to_json(*schema));
    if (!params.empty() || mirrored_.contains(std::string_view(name->get_string()))) {
      mirrored_[std::string(name->get_string())] = std::move(params);
    }
  }
}

void Bridge::cancel(std::string_view id) {
  const auto found = running_.find(std::string(id));
  if (found == running_.end()) return;
  found->second->answered = true;  // none is wanted
  if (found->second->call) found->second->call->cancel();
}

void Bridge::post(const Message& message, Headers headers, bool modern) {
  const bool request = message.kind() == MessageKind::kRequest;
  auto exchange = std::make_shared<Exchange>();
  exchange->modern = modern;
  exchange->method = message.method();
  if (request) {
    exchange->id = message.id();
    if (running_.contains(exchange->id)) return fail(exchange->id, kInvalidRequest, "a request with this id runs");
    if (running_.size() >= kMaxRunning) return fail(exchange->id, kInvalidRequest, "too many requests run");
    running_[exchange->id] = exchange;
  }
  ClientRequest out{.method = "POST",
                    .headers = std::move(headers),
                    .body = std::string(message.text()),
                    .timeout = kForever,
                    .body_bytes = std::size_t{1} << 40};
  const auto self = shared_from_this();
  exchange->call = client_.send(reactor_, std::move(out),
                                {.on_head = [self, exchange](const HttpHead& head) { self->head(exchange, head); },
                                 .on_body = [self, exchange](std::string_view bytes) { self->piece(exchange, bytes); },
                                 .done = [self, exchange](const HttpEnd& end) { self->ended(exchange, end); }});
}

// The stream on which a legacy server speaks for itself; it is opened again as long as the session stands.
void Bridge::listen() {
  if (closed_ || session_.empty() || running_.contains("")) return;
  auto exchange = std::make_shared<Exchange>();
  running_[""] = exchange;
  ClientRequest out{.headers = in_session(), .timeout = kForever, .body_bytes = std::size_t{1} << 40};
  if (!last_event_.empty()) out.headers.emplace_back("Last-Event-ID", last_event_);
  const auto self = shared_from_this();
  exchange->call = client_.send(
      reactor_, std::move(out),
      {.on_head = [self, exchange](const HttpHead& head) { self->head(exchange, head); },
       .on_body = [self, exchange](std::string_view bytes) { self->piece(exchange, bytes); },
       .done =
           [self, exchange](const HttpEnd&) {
             if (const auto found = self->running_.find(""); found != self->running_.end()) self->running_.erase(found);
             if (self->closed_ || self->session_.empty() || exchange->status == 404 || exchange->status == 405) return;
             self->reconnect_.expires_after(kReconnect);
             self->reconnect_.async_wait([self](const boost::system::error_code& error) {
               if (!error) self->listen();
             });
           }});
}

void Bridge::head(const ExchangePtr& exchange, const HttpHead& head) {
  exchange->status = head.status();
  exchange->streaming = head.header("content-type").starts_with("text/event-stream");
  if (exchange->method != "initialize" || exchange->modern) return;
  if (const std::string_view id = head.header("mcp-session-id"); !id.empty()) session_ = id;
}

void Bridge::piece(const ExchangePtr& exchange, std::string_view bytes) {
  if (!exchange->streaming) {
    if (exchange->body.size() + bytes.size() <= kMaxLine) exchange->body += bytes;
    return;
  }
  const auto fed = exchange->events.feed(bytes, [&](const SseEvent& event) { said(exchange, event.data); });
  if (exchange->id.empty()) last_event_ = exchange->events.last_event_id();
  if (!fed && exchange->call) exchange->call->cancel();
}

void Bridge::said(const ExchangePtr& exchange, std::string_view message) {
  if (message.empty() || (exchange->answered && exchange->modern)) return;
  const bool answer =
      !exchange->id.empty() && raw_member(message, "method").empty() && raw_member(message, "id") == exchange->id;
  if (answer) {
    exchange->answered = true;
    const std::string_view result = raw_member(message, "result");
    if (exchange->method == "initialize" && !exchange->modern)
      version_ = raw_string(raw_member(result, "protocolVersion"));
    if (exchange->method == "tools/list" && exchange->modern) learn(result);
  }
  write(message);
}

void Bridge::ended(const ExchangePtr& exchange, const HttpEnd& end) {
  running_.erase(exchange->id.empty() ? "-" : exchange->id);
  if (!end.failure && !exchange->streaming && !exchange->body.empty()) {
    if (raw_member(exchange->body, "id") == exchange->id) {
      said(exchange, exchange->body);
    } else if (!exchange->id.empty() && !exchange->answered) {
      // A refusal on the level of HTTP does not know whom it answers.
      const std::string_view error = raw_member(exchange->body, "error");
      exchange->answered = true;
      if (error.starts_with('{')) {
        write(R"({"jsonrpc":"2.0","id":)" + exchange->id + ",\"error\":" + std::string(error) + "}");
      } else {
        fail(exchange->id, kInternalError, "the gateway answered with HTTP " + std::to_string(exchange->status));
      }
    }
  }
  if (!exchange->id.empty() && !exchange->answered && !closed_) {
    fail(exchange->id, kInternalError,
         end.failure ? "the gateway cannot be reached: " + end.detail : std::string("the gateway gave no answer"));
  }
  if (exchange->modern) return;
  if (exchange->method == "initialize") {
    initialising_ = false;
    for (std::string& text : std::exchange(waiting_, {})) line(std::move(text));
  }
  if (exchange->method == "notifications/initialized") listen();
}

void Bridge::close(std::function<void()> closed) {
  closed_ = true;
  reconnect_.cancel();
  for (const auto& [id, exchange] : running_) {
    if (exchange->call) exchange->call->cancel();
  }
  if (session_.empty()) return closed();
  ClientRequest farewell{.method = "DELETE", .headers = in_session(), .timeout = kFarewell};
  client_.fetch(reactor_, std::move(farewell), [closed = std::move(closed)](const Result<HttpAnswer>&) { closed(); });
}

// Reads lines until the input ends or a signal comes; `take` gets each.
void read_lines(int in, const std::function<bool(std::string)>& take) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  const int signal_fd = ::signalfd(-1, &signals, SFD_CLOEXEC);
  std::string rest;
  std::vector<char> buffer(64 << 10);
  bool skipping = false, open = true;
  while (open) {
    pollfd fds[2] = {{.fd = in, .events = POLLIN, .revents = 0}, {.fd = signal_fd, .events = POLLIN, .revents = 0}};
    if (::poll(fds, signal_fd < 0 ? 1 : 2, 1000) < 0 && errno != EINTR) break;
    if (fds[1].revents != 0) break;
    if (fds[0].revents == 0) {
      open = take({});
      continue;
    }
    const ssize_t size = ::read(in, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    rest.append(buffer.data(), static_cast<std::size_t>(size));
    std::size_t begin = 0;
    for (std::size_t end; open && (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
      std::string line = rest.substr(begin, end - begin);
      if (line.ends_with('\r')) line.pop_back();
      if (!std::exchange(skipping, false) && !line.empty()) open = take(std::move(line));
    }
    rest.erase(0, begin);
    if (rest.size() <= kMaxLine) continue;
    rest.clear();
    skipping = true;  // longer than any message may be
  }
  if (signal_fd >= 0) ::close(signal_fd);
}

}  // namespace

Result<void> run_stdio_bridge(const BridgeOptions& options) {
  auto endpoint = Endpoint::make({.url = options.url, .tls = options.tls, .private_network = true});
  if (!endpoint) return tl::unexpected(endpoint.error());
  Reactors reactors(1);
  reactors.start();
  Reactor& reactor = reactors.at(0);
  auto bridge = std::make_shared<Bridge>(reactor, *endpoint, options);
  read_lines(options.in, [&](std::string line) {
    if (!line.empty()) {
      reactor.post([bridge, text = std::move(line)]() mutable { bridge->line(std::move(text)); });
    }
    return !bridge->broken();
  });
  std::atomic<bool> closed{false};
  reactor.post([bridge, &closed] { bridge->close([&closed] { closed.store(true), closed.notify_all(); }); });
  closed.wait(false);
  reactors.stop();
  const bool broken = bridge->broken();
  bridge.reset();
  if (broken) return fail(ErrorCode::kUnavailable, "the output cannot be written: the client has gone");
  return {};
}

}  // namespace bursar::broker
