#include "bursar/broker/net/url.h"

#include <algorithm>
#include <charconv>

namespace bursar::broker {

Result<Url> parse_url(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return invalid_argument("url " + std::string(text) + ": " + std::string(why));
  };
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!plain) return invalid_argument("url: only visible ASCII may stand in it; percent-encode the rest");
  Url url;
  std::string_view rest = text.substr(0, text.find('#'));
  if (rest.starts_with("https://")) {
    url.tls = true;
  } else if (!rest.starts_with("http://")) {
    return wrong("must begin with http:// or https://");
  }
  rest.remove_prefix(url.tls ? 8 : 7);
  const std::size_t path = rest.find_first_of("/?");
  const std::string_view authority = rest.substr(0, path);
  if (authority.find('@') != std::string_view::npos) {
    return invalid_argument("url: must not hold a user name or password; use headers for credentials");
  }
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string_view host = authority.substr(0, colon);
  const bool literal6 = host.starts_with('[') && host.ends_with(']');
  url.host = literal6 ? host.substr(1, host.size() - 2) : host;
  const bool bad_host = url.host.empty() || (!literal6 && url.host.find_first_of("[]") != std::string::npos);
  if (bad_host) return wrong("has no valid host");
  const std::uint16_t own_port = url.tls ? 443 : 80;
  url.port = own_port;
  if (colon != std::string_view::npos) {
    const std::string_view digits = authority.substr(colon + 1);
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    const bool good = failed == std::errc{} && end == digits.data() + digits.size() && url.port != 0;
    if (!good) return wrong("has a port that is not 1 … 65535");
  }
  url.authority = std::string(host) + (url.port == own_port ? "" : ":" + std::to_string(url.port));
  url.target = path == std::string_view::npos ? "/" : std::string(rest.substr(path));
  if (url.target.front() == '?') url.target.insert(url.target.begin(), '/');
  return url;
}

}  // namespace bursar::broker
