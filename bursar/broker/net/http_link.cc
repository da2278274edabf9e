#include "bursar/broker/net/http_link.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <mutex>
#include <sys/socket.h>
#include <utility>

#include "bursar/broker/net/http_client.h"

namespace bursar::broker {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kConnectTime{5000};
constexpr milliseconds kRestMax{4000};  // Node closes what rests for five seconds
constexpr milliseconds kFresh{10};      // a link that rested no longer was open a moment ago, and is not asked again
constexpr std::size_t kRestingMax = 64;
constexpr std::size_t kPiece = 16 << 10;

auto into(error_code& failed) { return asio::redirect_error(use_awaitable, failed); }

// Every pool in which something ever rested. A timer in each would keep its reactor from running dry.
struct RestedPools {
  std::mutex mutex;
  std::vector<std::pair<asio::io_context*, std::weak_ptr<HttpPool>>> pools;
};
RestedPools& rested_pools() {
  static RestedPools all;
  return all;
}

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

awaitable<error_code> HttpLink::shake_hands(const std::string& host) {
  error_code failed;
  if (!tls_) co_return failed;
  error_code is_name;
  asio::ip::make_address(host, is_name);  // SNI is for names only
  if (is_name && SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str()) != 1)
    co_return asio::error::invalid_argument;
  constexpr std::array<unsigned char, 9> kHttp11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_set_alpn_protos(stream_.native_handle(), kHttp11.data(), kHttp11.size());
  stream_.set_verify_callback(asio::ssl::host_name_verification(host));
  co_await stream_.async_handshake(asio::ssl::stream_base::client, into(failed));
  co_return failed;
}

std::string HttpLink::handshake_detail(const error_code& failed) const {
  auto* const handle = const_cast<HttpLink*>(this)->stream_.native_handle();
  const long verified = SSL_get_verify_result(handle);
  if (verified == X509_V_OK) return failed.message();
  return std::string("its certificate is not accepted: ") + X509_verify_cert_error_string(verified);
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
  if (!piece_) piece_ = std::make_unique_for_overwrite<char[]>(kPiece);
  auto& body = parser_->get().body();
  body.data = piece_.get();
  body.size = kPiece;
  body.more = true;
  error_code failed;
  if (tls_) {
    co_await http::async_read_some(stream_, buffer_, *parser_, into(failed));
  } else {
    co_await http::async_read_some(stream_.next_layer(), buffer_, *parser_, into(failed));
  }
  out.append(piece_.get(), kPiece - parser_->get().body().size);
  if (failed == http::error::need_buffer) failed = {};
  co_return failed;
}

std::string_view HttpLink::header(std::string_view name) const {
  const auto found = parser_->get().find(boost::beast::string_view(name.data(), name.size()));
  if (found == parser_->get().end()) return {};
  return {found->value().data(), found->value().size()};
}

void HttpLink::each_header(const std::function<void(std::string_view, std::string_view)>& visit) const {
  for (const auto& field : parser_->get()) {
    visit({field.name_string().data(), field.name_string().size()}, {field.value().data(), field.value().size()});
  }
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

HttpPool::HttpPool(asio::io_context& context, std::shared_ptr<const Endpoint> endpoint)
    : context_(context), endpoint_(std::move(endpoint)) {}

awaitable<std::string> HttpPool::resolve() {
  endpoints_.clear();
  const Url& to = url();
  error_code failed;
  const auto literal = asio::ip::make_address(to.host, failed);
  if (!failed) {
    endpoints_.emplace_back(literal, to.port);
    co_return std::string();
  }
  failed = {};
  if (const auto& instead = endpoint_->options().resolve) {
    for (const std::string& address : instead(to.host))
      endpoints_.emplace_back(asio::ip::make_address(address), to.port);
    co_return std::string();
  }
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(context_);
  Timer timer(context_, kConnectTime);
  timer.async_wait([&resolver](error_code cancelled) {
    if (!cancelled) resolver.cancel();
  });
  const std::string port = std::to_string(to.port);
  const auto found = co_await resolver.async_resolve(to.host, port, into(failed));
  // The handler refers to the resolver; cancelling takes it off the timer, and where it is queued already it sees the
  // error.
  if (timer.cancel() == 0) co_await asio::post(context_, use_awaitable);
  for (const auto& entry : found) endpoints_.push_back(entry.endpoint());
  co_return failed ? failed.message() : endpoints_.empty() ? std::string("it has no address") : std::string();
}

// One bad address refuses the name: a name that leads both out and in is just what an attacker would set up.
std::string HttpPool::refused_address() const {
  if (endpoint_->may_be_private()) return {};
  for (const auto& endpoint : endpoints_) {
    const std::string address = endpoint.address().to_string();
    if (const auto why = endpoint_->why_not(address)) return address + ", which is " + std::string(*why);
  }
  return {};
}

awaitable<HttpPool::Acquired> HttpPool::acquire() {
  const auto self = shared_from_this();
  Acquired acquired;
  while (!resting_.empty()) {
    auto link = std::move(resting_.back());
    resting_.pop_back();
    const auto rested = Clock::now() - link->rested_since;
    if (rested > kRestMax || (rested > kFresh && !link->still_open())) continue;
    acquired.link = std::move(link);
    co_return acquired;
  }
  if (endpoints_.empty()) {
    const std::string failed = co_await resolve();
    if (!failed.empty()) {
      acquired.failure = Cause::kConnect;
      acquired.detail = "cannot resolve " + url().host + ": " + failed;
      co_return acquired;
    }
    if (const std::string refused = refused_address(); !refused.empty()) {
      endpoints_.clear();
      acquired.failure = Cause::kPolicy;
      acquired.detail = url().host + " leads to " + refused + "; set private_network where it may";
      co_return acquired;
    }
  }
  auto link = std::make_shared<HttpLink>(context_, endpoint_->tls());
  link->limit(kConnectTime);
  const error_code refused = co_await link->connect(endpoints_);
  const error_code untrusted = refused ? error_code{} : co_await link->shake_hands(url().host);
  link->no_limit();
  if (refused || untrusted) {
    endpoints_.clear();
    acquired.failure = refused ? Cause::kConnect : Cause::kTls;
    acquired.detail =
        "cannot reach " + url().authority + ": " + (refused ? refused.message() : link->handshake_detail(untrusted));
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
  if (std::exchange(listed_, true)) return;
  const std::scoped_lock lock(rested_pools().mutex);
  rested_pools().pools.emplace_back(&context_, weak_from_this());
}

void HttpPool::close_rested() {
  const auto now = Clock::now();
  std::erase_if(resting_, [&](const auto& link) { return now - link->rested_since > kRestMax || !link->still_open(); });
}

void sweep_rested_connections() {
  const std::scoped_lock lock(rested_pools().mutex);
  std::erase_if(rested_pools().pools, [](const auto& entry) { return entry.second.expired(); });
  for (const auto& [context, pool] : rested_pools().pools) {
    // Only its own thread may let go of a pool. While the sweep runs, so do the reactors.
    asio::post(*context, [pool = pool] {
      if (const auto self = pool.lock()) self->close_rested();
    });
  }
}

Cause cause_of_read(const error_code& failed) {
  using boost::beast::http::error;
  const bool broke_off = failed == error::end_of_stream || failed == error::partial_message;
  if (broke_off || failed.category() != make_error_code(error::end_of_stream).category()) return Cause::kReset;
  return failed == error::header_limit ? Cause::kTooLarge : Cause::kUpstreamProtocol;
}

}  // namespace bursar::broker
