#include "bursar/broker/http/server.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <ctime>
#include <unistd.h>

#include "bursar/broker/http/connection.h"
#include "bursar/broker/http/tls_context.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/broker/telemetry/metrics.h"
#include "bursar/core/json.h"
#include "bursar/core/published.h"

namespace bursar::broker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kSweep = std::chrono::milliseconds{100};
constexpr auto kAcceptPause = std::chrono::milliseconds{50};  // after an accept that failed (no descriptors left)

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string http_date() {
  const std::time_t at = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&at, &parts);
  char text[40];
  const std::size_t n = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return std::string(text, n);
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

std::size_t HttpRequest::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const auto& header) { return same_name(header.first, name); }));
}

HttpResponse http_error(int status, std::string_view code, std::string_view message) {
  return {.status = status,
          .body = R"({"error":{"code":)" + json_string(code) + R"(,"message":)" + json_string(message) + "}}"};
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Status";
  }
}

Lane::Lane(Reactor& owner, std::shared_ptr<ServerShared> common)
    : reactor(owner), shared(std::move(common)), date(http_date()), timer_(owner.context()) {}

void Lane::start() { sweep(); }

void Lane::sweep() {
  if (closed_) return;
  date = http_date();
  const Instant at = std::chrono::steady_clock::now();
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  for (const auto& connection : all) broker::sweep(*connection, at);
  timer_.expires_after(kSweep);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->sweep();
  });
}

void Lane::add(Socket socket, const LimitsConfig& limits, bool loopback, TlsContext tls) {
  if (closed_ || shared->draining.load()) {
    shared->connections.fetch_sub(1);
    return;
  }
  auto connection = make_connection(std::move(socket), *this, limits, loopback, std::move(tls));
  connections_.insert(connection);
  if (shared->metrics != nullptr) shared->metrics->add(Gauge::kConnections, 1);
  broker::start(*connection);
}

void Lane::remove(const std::shared_ptr<Connection>& connection) {
  if (connections_.erase(connection) == 0) return;
  shared->connections.fetch_sub(1);
  if (shared->metrics != nullptr) shared->metrics->add(Gauge::kConnections, -1);
}

std::shared_ptr<Lane> Lane::lane_of(const Reactor& other) const {
  for (const auto& weak : shared->lanes) {
    auto lane = weak.lock();
    if (lane && &lane->reactor == &other) return lane;
  }
  return nullptr;
}

// Counted all the while: for the limit of connections it never left.
void Lane::hand_over(const std::shared_ptr<Connection>& connection, MovingConnection moving, std::shared_ptr<Lane> to) {
  connections_.erase(connection);
  auto owned = std::make_shared<MovingConnection>(std::move(moving));
  Reactor& there = to->reactor;
  there.post([to = std::move(to), owned] { to->take_over(std::move(*owned)); });
}

void Lane::take_over(MovingConnection moving) {
  Socket socket(reactor.context());
  error_code error;
  socket.assign(moving.protocol, moving.socket, error);
  if (error) ::close(moving.socket);
  if (error || closed_) {
    shared->connections.fetch_sub(1);
    if (shared->metrics != nullptr) shared->metrics->add(Gauge::kConnections, -1);
    return;
  }
  auto connection = make_connection(std::move(socket), *this, moving.limits, moving.loopback, nullptr);
  connections_.insert(connection);
  broker::go_on(*connection, moving.unread);
}

void Lane::drain() {
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  for (const auto& connection : all) broker::drain(*connection);
}

void Lane::close() {
  if (closed_) return;
  closed_ = true;
  timer_.cancel();
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  for (const auto& connection : all) broker::close(*connection);
}

// Owned by the server and by the accept that is under way.
struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
  State(Reactors& all, HttpServerOptions given)
      : reactors(all),
        options(std::move(given)),
        shared(std::make_shared<ServerShared>()),
        acceptor(all.at(0).context()),
        pause(all.at(0).context()),
        limits(std::make_shared<const LimitsConfig>(options.limits)) {
    shared->handler = std::move(options.handler);
    shared->metrics = options.metrics;
    for (std::size_t i = 0; i < reactors.size(); ++i) {
      lanes.push_back(std::make_shared<Lane>(reactors.at(i), shared));
      shared->lanes.push_back(lanes.back());
    }
  }

  Result<void> open();
  void accept();
  void take(Socket socket, std::size_t lane);

  Reactors& reactors;
  HttpServerOptions options;
  std::shared_ptr<ServerShared> shared;
  asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor;
  Timer pause;
  std::vector<std::shared_ptr<Lane>> lanes;
  Published<const LimitsConfig> limits;
  Published<asio::ssl::context> tls;  // null: plain HTTP
  std::size_t next_lane = 0;
  std::uint16_t port = 0;
  bool closed = false;
};

Result<void> HttpServer::State::open() {
  error_code error;
  auto context = make_server_context(options.tls);
  if (!context) return tl::unexpected(context.error());
  tls.store(std::move(*context));
  const auto address = asio::ip::make_address(options.address, error);
  if (error) return invalid_argument("listen.address: \"" + options.address + "\" is no IP address");
  const asio::ip::tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return fail(ErrorCode::kUnavailable,
                "listen: cannot listen on " + options.address + ":" + std::to_string(options.port) + ": " +
                    error.message() + "; choose another listen.port or end the program that uses it",
                true);
  }
  port = acceptor.local_endpoint(error).port();
  return {};
}

void HttpServer::State::accept() {
  if (closed) return;
  const std::size_t lane = next_lane++ % lanes.size();
  acceptor.async_accept(lanes[lane]->reactor.context(),
                        [self = shared_from_this(), lane](const error_code& error, Socket socket) {
                          if (self->closed || error == asio::error::operation_aborted) return;
                          if (!error) {
                            self->take(std::move(socket), lane);
                            return self->accept();
                          }
                          self->pause.expires_after(kAcceptPause);
                          self->pause.async_wait([self](const error_code& e) {
                            if (!e) self->accept();
                          });
                        });
}

void HttpServer::State::take(Socket socket, std::size_t lane) {
  const auto current = limits.load();
  auto context = tls.load();
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return;  // gone already
  if (shared->connections.fetch_add(1) >= current->connections) {
    shared->connections.fetch_sub(1);
    if (context) return;  // a handshake is what we have no room for
    static constexpr std::string_view kFull =
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\nretry-after: 1\r\n"
        "content-length: 77\r\n\r\n"
        R"({"error":{"code":"too_many_connections","message":"Too many connections."}})"
        "\r\n";
    socket.non_blocking(true, error);
    socket.write_some(asio::buffer(kFull), error);
    return;
  }
  // A moved socket is no copyable std::function; the lane's reactor owns it from here on.
  auto owned = std::make_shared<Socket>(std::move(socket));
  const bool loopback = peer.address().is_loopback() ||
                        (peer.address().is_v6() && peer.address().to_v6().is_v4_mapped() &&
                         asio::ip::make_address_v4(asio::ip::v4_mapped, peer.address().to_v6()).is_loopback());
  lanes[lane]->reactor.post([to = lanes[lane], owned, current, loopback, context = std::move(context)] {
    to->add(std::move(*owned), *current, loopback, context);
  });
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(Reactors& reactors, HttpServerOptions options) {
  auto state = std::make_shared<State>(reactors, std::move(options));
  if (auto ok = state->open(); !ok) return tl::unexpected(ok.error());
  for (const auto& lane : state->lanes) lane->reactor.post([lane] { lane->start(); });
  reactors.at(0).post([state] { state->accept(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() { close(); }

std::uint16_t HttpServer::port() const { return state_->port; }

std::size_t HttpServer::connections() const { return state_->shared->connections.load(); }

void HttpServer::set_limits(const LimitsConfig& limits) {
  state_->limits.store(std::make_shared<const LimitsConfig>(limits));
}

Result<void> HttpServer::reload_certificates() {
  auto context = make_server_context(state_->options.tls);
  if (!context) return tl::unexpected(context.error());
  state_->tls.store(std::move(*context));
  return {};
}

void HttpServer::drain() {
  state_->shared->draining.store(true);
  state_->reactors.at(0).post([state = state_] {
    state->closed = true;
    error_code ignored;
    state->acceptor.close(ignored);
    state->pause.cancel();
  });
  for (const auto& lane : state_->lanes) lane->reactor.post([lane] { lane->drain(); });
}

void HttpServer::close() {
  drain();
  for (const auto& lane : state_->lanes) lane->reactor.post([lane] { lane->close(); });
}

}  // namespace bursar::broker
