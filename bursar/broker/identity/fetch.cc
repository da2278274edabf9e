#include "bursar/broker/identity/fetch.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "bursar/broker/http/reactor.h"
#include "bursar/broker/net/header_text.h"
#include "bursar/broker/net/http_client.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxClients = 256;  // more urls than a configuration holds

// One client a server, since making one reads certificates.
class Clients {
 public:
  Result<std::shared_ptr<HttpClient>> of(const FetchRequest& request) {
    std::string key = request.url + '\n';
    for (const bool rule : {request.private_network, request.learned, request.loopback}) key += rule ? '1' : '0';
    key += '\n' + request.tls.ca + '\n' + request.tls.certificate + '\n' + request.tls.key;
    const std::scoped_lock lock(mutex_);
    const auto found = clients_.find(key);
    if (found != clients_.end()) return found->second;
    auto endpoint = Endpoint::make({.url = request.url,
                                    .tls = request.tls,
                                    .private_network = request.private_network,
                                    .learned = request.learned,
                                    .loopback = request.loopback});
    if (!endpoint) return tl::unexpected(endpoint.error());
    if (clients_.size() >= kMaxClients) clients_.clear();
    return clients_[key] = std::make_shared<HttpClient>(*endpoint);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<HttpClient>> clients_;
};

bool names(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view name) {
  return std::ranges::any_of(headers, [&](const auto& header) { return same_ignoring_case(header.first, name); });
}

std::string challenges_in(const HttpAnswer& answer) {
  std::string out;
  for (const auto& [name, value] : answer.headers) {
    if (same_ignoring_case(name, "www-authenticate")) out.append(out.empty() ? "" : ", ").append(value);
  }
  return out;
}

}  // namespace

Fetch make_fetch(Reactors& reactors) {
  return [&reactors, clients = std::make_shared<Clients>()](FetchRequest wanted, FetchDone done) {
    auto client = clients->of(wanted);
    if (!client) return done(tl::unexpected(client.error()));
    ClientRequest request{.timeout = wanted.timeout, .body_bytes = wanted.bytes_max};
    request.headers = std::move(wanted.headers);
    if (!names(request.headers, "accept")) request.headers.emplace_back("Accept", "application/json");
    if (!wanted.authorization.empty()) request.headers.emplace_back("Authorization", wanted.authorization);
    if (!wanted.form.empty()) {
      request.method = "POST";
      request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
      request.body = std::move(wanted.form);
    } else if (!wanted.json.empty()) {
      request.method = "POST";
      request.headers.emplace_back("Content-Type", "application/json");
      request.body = std::move(wanted.json);
    }
    Reactor& reactor = reactors.at(0);
    reactor.post([&reactor, client = *client, request = std::move(request), done = std::move(done)]() mutable {
      client->fetch(reactor, std::move(request), [done = std::move(done)](Result<HttpAnswer> answer) {
        if (!answer) return done(tl::unexpected(std::move(answer.error())));
        std::string challenge = challenges_in(*answer);
        done(FetchReply{.status = answer->status, .body = std::move(answer->body), .challenge = std::move(challenge)});
      });
    });
  };
}

std::string form_encoded(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string out;
  const auto put = [&](std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
          c == '_' || c == '~') {
        out += c;
      } else {
        out += '%';
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
      }
    }
  };
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    put(name);
    out += '=';
    put(value);
  }
  return out;
}

}  // namespace bursar::broker
