#include "bursar/broker/net/endpoint.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cstdint>
#include <openssl/err.h>
#include <utility>

namespace bursar::broker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

struct Range4 {
  std::uint32_t network;
  unsigned bits;
  std::string_view what;
};

constexpr std::uint32_t ip4(unsigned a, unsigned b, unsigned c, unsigned d) { return a << 24 | b << 16 | c << 8 | d; }

// IANA's special-purpose registry: what is not globally reachable, and multicast.
constexpr std::array<Range4, 16> kRanges4{{{ip4(0, 0, 0, 0), 8, "unspecified"},
                                           {ip4(10, 0, 0, 0), 8, "private"},
                                           {ip4(100, 64, 0, 0), 10, "shared (CGNAT)"},
                                           {ip4(127, 0, 0, 0), 8, "loopback"},
                                           {ip4(169, 254, 0, 0), 16, "link-local"},
                                           {ip4(172, 16, 0, 0), 12, "private"},
                                           {ip4(192, 0, 0, 0), 24, "special-purpose"},
                                           {ip4(192, 0, 2, 0), 24, "documentation"},
                                           {ip4(192, 88, 99, 0), 24, "special-purpose"},
                                           {ip4(192, 168, 0, 0), 16, "private"},
                                           {ip4(198, 18, 0, 0), 15, "benchmarking"},
                                           {ip4(198, 51, 100, 0), 24, "documentation"},
                                           {ip4(203, 0, 113, 0), 24, "documentation"},
                                           {ip4(224, 0, 0, 0), 4, "multicast"},
                                           {ip4(240, 0, 0, 0), 4, "reserved"},
                                           {ip4(255, 255, 255, 255), 32, "broadcast"}}};

std::optional<std::string_view> why_not_global4(std::uint32_t address) {
  for (const Range4& range : kRanges4) {
    const std::uint32_t mask = ~std::uint32_t{0} << (32 - range.bits);
    if ((address & mask) == range.network) return range.what;
  }
  return std::nullopt;
}

using Bytes6 = asio::ip::address_v6::bytes_type;

std::uint32_t embedded4(const Bytes6& bytes, std::size_t at) {
  return ip4(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
}

bool zero(const Bytes6& bytes, std::size_t from, std::size_t to) {
  return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(to),
                     [](unsigned char b) { return b == 0; });
}

std::optional<std::string_view> why_not_global6(const asio::ip::address_v6& address) {
  if (address.is_unspecified()) return "unspecified";
  if (address.is_loopback()) return "loopback";
  if (address.is_multicast()) return "multicast";
  if (address.is_link_local()) return "link-local";
  const Bytes6 b = address.to_bytes();
  if (zero(b, 0, 10) && b[10] == 0xFF && b[11] == 0xFF) return why_not_global4(embedded4(b, 12));  // mapped
  if (zero(b, 0, 12)) return "special-purpose";                                                    // compatible
  const bool nat64 = b[0] == 0 && b[1] == 0x64 && b[2] == 0xFF && b[3] == 0x9B;
  if (nat64 && zero(b, 4, 12)) return why_not_global4(embedded4(b, 12));
  if (nat64) return "private";  // 64:ff9b:1::/48, a translator of the network's own
  if (b[0] == 0x20 && b[1] == 0x02) return why_not_global4(embedded4(b, 2));   // 6to4
  if (b[0] == 0x20 && b[1] == 0x01 && b[2] <= 0x01) return "special-purpose";  // Teredo, ORCHID, benchmarking
  if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0D && b[3] == 0xB8) return "documentation";
  if ((b[0] & 0xFE) == 0xFC || (b[0] == 0xFE && (b[1] & 0xC0) == 0xC0)) return "private";  // unique and site-local
  if ((b[0] & 0xE0) != 0x20) return "reserved";                                            // only 2000::/3 is given out
  return std::nullopt;
}

std::string openssl_reason(const error_code& failed) {
  const char* reason = ERR_reason_error_string(static_cast<unsigned long>(failed.value()));
  return reason != nullptr ? reason : failed.message();
}

Result<std::shared_ptr<asio::ssl::context>> make_context(const TlsClientConfig& config) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  error_code failed;
  const auto wrong = [&](std::string_view field, const std::string& file) {
    return invalid_argument("tls." + std::string(field) + " " + file + ": " + openssl_reason(failed));
  };
  if (SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION) != 1)
    return fail(ErrorCode::kUnavailable, "OpenSSL does not offer TLS 1.2");
  // Nobody is there to type one, and OpenSSL would ask the terminal.
  context->set_password_callback([](std::size_t, asio::ssl::context::password_purpose) { return std::string(); },
                                 failed);
  if (config.ca.empty()) {
    context->set_default_verify_paths(failed);
    if (failed) return fail(ErrorCode::kUnavailable, "OpenSSL cannot read the system's certificate authorities");
  } else if (context->load_verify_file(config.ca, failed); failed) {
    return wrong("ca", config.ca);
  }
  context->set_verify_mode(asio::ssl::verify_peer, failed);
  if (config.certificate.empty() != config.key.empty())
    return invalid_argument("tls: certificate and key belong together; set both or none");
  if (!config.certificate.empty()) {
    if (context->use_certificate_chain_file(config.certificate, failed); failed)
      return wrong("certificate", config.certificate);
    if (context->use_private_key_file(config.key, asio::ssl::context::pem, failed); failed)
      return wrong("key", config.key);
  }
  return context;
}

}  // namespace

Result<std::shared_ptr<const Endpoint>> Endpoint::make(EndpointOptions options) {
  auto url = parse_url(options.url);
  if (!url) return tl::unexpected(url.error());
  std::shared_ptr<Endpoint> endpoint(new Endpoint());
  if (url->tls) {
    auto context = make_context(options.tls);
    if (!context) return tl::unexpected(context.error());
    endpoint->tls_ = std::move(*context);
  }
  endpoint->url_ = std::move(*url);
  endpoint->options_ = std::move(options);
  return endpoint;
}

bool Endpoint::may_be_private() const {
  if (options_.private_network) return true;
  if (options_.learned) return false;
  if (url_.host == "localhost") return true;
  error_code not_literal;
  asio::ip::make_address(url_.host, not_literal);
  return !not_literal;
}

std::optional<std::string_view> Endpoint::why_not(std::string_view address) const {
  if (may_be_private()) return std::nullopt;
  const auto why = why_not_global(address);
  return why == "loopback" && options_.learned && options_.loopback ? std::nullopt : why;
}

std::optional<std::string_view> why_not_global(std::string_view text) {
  error_code failed;
  const asio::ip::address address = asio::ip::make_address(std::string(text), failed);
  if (failed) return "not an address";
  return address.is_v4() ? why_not_global4(address.to_v4().to_uint()) : why_not_global6(address.to_v6());
}

}  // namespace bursar::broker
