#include "bursar/broker/upstream/http_link.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <sys/socket.h>
#include <utility>

namespace bursar::broker {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using boost::system::error_code;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kConnectTime{5000};
constexpr milliseconds kRestMax{4000};  // Node closes what rests for five seconds
constexpr std::size_t kRestingMax = 64;
constexpr std::size_t kPiece = 16 << 10;

auto into(error_code& failed) { return asio::redirect_error(asio::use_awaitable, failed); }

asio::ssl::context& no_tls() {
  static asio::ssl::context context(asio::ssl::context::tls_client);
  return context;
}

}  // namespace

HttpLink::HttpLink(asio::io_context& context, asio::ssl::context* tls)
    : stream_(context, tls != nullptr ? *tls : no_tls()), tls_(tls != nullptr), timer_(context) {}

awaitable<error_code> HttpLink::connect(Endpoints endpoints) {
  error_code failed;
  co_await asio::async_connect(socket(), endpoints, into(failed));
  if (failed) co_return failed;
  error_code ignored;
  socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  socket().set_option(asio::socket_base::keep_alive(true), ignored);
  co_return failed;
}

awaitable<error_code> HttpLink::shake_hands(std::string host) {
  error_code failed;
  if (!tls_) co_return failed;
  if (!SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str())) co_return asio::error::invalid_argument;
  stream_.set_verify_callback(asio::ssl::host_name_verification(host));
  co_await stream_.async_handshake(asio::ssl::stream_base::client, into(failed));
  co_return failed;
}

awaitable<error_code> HttpLink::send(std::string_view head, std::string_view body) {
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(head), asio::buffer(body)};
  error_code failed;
  if (tls_) {
    co_await asio::async_write(stream_, buffers, into(failed));
  } else {
    co_await asio::async_write(stream_.next_layer(), buffers, into(failed));
  }
  co_return failed;
}

awaitable<error_code> HttpLink::read_head(std::size_t bytes_max) {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(bytes_max));
  parser_->body_limit(boost::none);
  error_code failed;
  if (tls_) {
    co_await http::async_read_header(stream_, buffer_, *parser_, into(failed));
  } else {
    co_await http::async_read_header(stream_.next_layer(), buffer_, *parser_, into(failed));
  }
  co_return failed;
}

awaitable<error_code> HttpLink::read_body(std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + kPiece);
  auto& body = parser_->get().body();
  body.data = out.data() + before;
  body.size = kPiece;
  body.more = true;
  error_code failed;
  if (tls_) {
    co_await http::async_read_some(stream_, buffer_, *parser_, into(failed));
  } else {
    co_await http::async_read_some(stream_.next_layer(), buffer_, *parser_, into(failed));
  }
  out.resize(before + kPiece - parser_->get().body().size);
  if (failed == http::error::need_buffer) failed = {};
  co_return failed;
}

std::string_view HttpLink::header(std::string_view name) const {
  const auto found = parser_->get().find(boost::beast::string_view(name.data(), name.size()));
  if (found == parser_->get().end()) return {};
  return {found->value().data(), found->value().size()};
}

bool HttpLink::reusable() const {
  return parser_ && parser_->is_done() && parser_->get().keep_alive() && !parser_->get().need_eof() &&
         buffer_.size() == 0;
}

bool HttpLink::still_open() const {
  char byte = 0;
  const int fd = const_cast<HttpLink*>(this)->socket().native_handle();
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void HttpLink::limit(milliseconds at_most) {
  timer_.expires_after(at_most);
  timer_.async_wait([weak = weak_from_this()](error_code cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self) self->close();
  });
}

void HttpLink::no_limit() { timer_.cancel(); }

void HttpLink::close() {
  error_code ignored;
  socket().close(ignored);
  timer_.cancel();
}

HttpPool::HttpPool(asio::io_context& context, Url url, std::shared_ptr<asio::ssl::context> tls)
    : context_(context), url_(std::move(url)), tls_(std::move(tls)) {}

awaitable<error_code> HttpPool::resolve() {
  error_code failed;
  asio::ip::tcp::resolver resolver(context_);
  asio::steady_timer timer(context_, kConnectTime);
  timer.async_wait([&resolver](error_code cancelled) {
    if (!cancelled) resolver.cancel();
  });
  const std::string port = std::to_string(url_.port);
  const auto found = co_await resolver.async_resolve(url_.host, port, into(failed));
  // The handler refers to the resolver; cancelling takes it off the timer, and where it is queued already it sees the
  // error.
  if (timer.cancel() == 0) co_await asio::post(context_, asio::use_awaitable);
  endpoints_.clear();
  for (const auto& entry : found) endpoints_.push_back(entry.endpoint());
  co_return failed;
}

awaitable<HttpPool::Acquired> HttpPool::acquire() {
  const auto self = shared_from_this();
  Acquired acquired;
  while (!resting_.empty()) {
    auto link = std::move(resting_.back());
    resting_.pop_back();
    if (Clock::now() - link->rested_since > kRestMax || !link->still_open()) continue;
    acquired.link = std::move(link);
    co_return acquired;
  }
  if (endpoints_.empty()) {
    const error_code failed = co_await resolve();
    if (failed || endpoints_.empty()) {
      acquired.failure = Cause::kConnect;
      acquired.detail = "cannot resolve " + url_.host + ": " + failed.message();
      co_return acquired;
    }
  }
  auto link = std::make_shared<HttpLink>(context_, tls_.get());
  link->limit(kConnectTime);
  const error_code refused = co_await link->connect(endpoints_);
  const error_code untrusted = refused ? error_code{} : co_await link->shake_hands(url_.host);
  link->no_limit();
  if (refused || untrusted) {
    endpoints_.clear();
    acquired.failure = refused ? Cause::kConnect : Cause::kTls;
    acquired.detail = "cannot reach " + url_.authority + ": " + (refused ? refused : untrusted).message();
    co_return acquired;
  }
  acquired.link = std::move(link);
  co_return acquired;
}

void HttpPool::release(std::shared_ptr<HttpLink> link) {
  link->no_limit();
  if (!link->reusable() || resting_.size() >= kRestingMax) return link->close();
  link->rested_since = Clock::now();
  resting_.push_back(std::move(link));
}

std::shared_ptr<asio::ssl::context> make_tls_context() {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  error_code failed;
  context->set_default_verify_paths(failed);
  if (!failed) context->set_verify_mode(asio::ssl::verify_peer, failed);
  if (SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION) != 1) return nullptr;
  return failed ? nullptr : context;
}

}  // namespace bursar::broker
