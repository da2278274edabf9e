#include "bursar/broker/identity/fetch.h"

#include <map>
#include <mutex>

#include "bursar/broker/http/reactor.h"
#include "bursar/broker/net/http_client.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxClients = 256;  // more urls than a configuration holds

// One client a server, since making one reads certificates.
class Clients {
 public:
  Result<std::shared_ptr<HttpClient>> of(const FetchRequest& request) {
    const std::string key = request.url + '\n' + (request.private_network ? "1" : "0") + '\n' + request.tls.ca + '\n' +
                            request.tls.certificate + '\n' + request.tls.key;
    const std::scoped_lock lock(mutex_);
    const auto found = clients_.find(key);
    if (found != clients_.end()) return found->second;
    auto endpoint =
        Endpoint::make({.url = request.url, .tls = request.tls, .private_network = request.private_network});
    if (!endpoint) return tl::unexpected(endpoint.error());
    if (clients_.size() >= kMaxClients) clients_.clear();
    return clients_[key] = std::make_shared<HttpClient>(*endpoint);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<HttpClient>> clients_;
};

}  // namespace

Fetch make_fetch(Reactors& reactors) {
  return [&reactors, clients = std::make_shared<Clients>()](FetchRequest wanted, FetchDone done) {
    auto client = clients->of(wanted);
    if (!client) return done(tl::unexpected(client.error()));
    ClientRequest request{.timeout = wanted.timeout, .body_bytes = wanted.bytes_max};
    request.headers = {{"Accept", "application/json"}};
    if (!wanted.authorization.empty()) request.headers.emplace_back("Authorization", wanted.authorization);
    if (!wanted.form.empty()) {
      request.method = "POST";
      request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
      request.body = std::move(wanted.form);
    }
    Reactor& reactor = reactors.at(0);
    reactor.post([&reactor, client = *client, request = std::move(request), done = std::move(done)]() mutable {
      client->fetch(reactor, std::move(request), [done = std::move(done)](Result<HttpAnswer> answer) {
        if (!answer) return done(tl::unexpected(std::move(answer.error())));
        done(FetchReply{.status = answer->status, .body = std::move(answer->body)});
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
