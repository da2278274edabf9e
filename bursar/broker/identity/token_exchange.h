// A token of the caller's own for an upstream (RFC 8693): what the caller showed is exchanged at our identity provider
// for a token that is meant for that one server. The caller's token itself never goes there.
//
//   auto exchange = std::make_shared<TokenExchange>(clock, fetch);
//   exchange->configure(config.upstreams);
//   exchange->seen(principal);                                        // each time a token was verified
//   open.authorization = exchange->authorization("files", principal.subject);
//   open.authorization([](Result<std::string> header) { … });         // "Bearer …", from the cache or asked for
//
// A caller's token is only looked at while somebody holds it, which is while a call of that caller runs: kept here is a
// weak pointer. What came of it is cached per caller and upstream until kMargin before it expires, and never longer
// than the token that it was made from; both tables are bounded. One that its server refuses is dropped, and exchanged
// anew, unless it is younger than kAfterFailure. A failure is remembered for kAfterFailure, so that a provider that
// says no is not asked at every call. Whoever came without a token (a virtual key, the development principal) has
// nothing to exchange and is refused. Errors say the provider's error code, never its description, which may repeat
// what it was sent.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "bursar/broker/config/config.h"
#include "bursar/broker/identity/fetch.h"
#include "bursar/broker/identity/principal.h"
#include "bursar/broker/identity/subject_token.h"
#include "bursar/broker/upstream/upstream.h"

namespace bursar::broker {

// Thread-safe.
class TokenExchange : public std::enable_shared_from_this<TokenExchange> {
 public:
  static constexpr Duration kMargin = std::chrono::seconds{30};  // at most a fifth of a lifetime
  static constexpr Duration kAfterFailure = std::chrono::seconds{2};
  static constexpr std::size_t kMaxCached = 16'384, kMaxWaiting = 256;

  using Done = CallerAuthorization::Done;

  TokenExchange(const Clock& clock, Fetch fetch) : clock_(clock), fetch_(std::move(fetch)) {}

  void configure(const std::vector<UpstreamConfig>& upstreams);
  void seen(const Principal& principal);
  // Empty where the upstream exchanges nothing.
  [[nodiscard]] CallerAuthorization authorization(const std::string& upstream, const std::string& subject);
  [[nodiscard]] std::size_t cached() const;

 private:
  struct Settings {
    TokenExchangeConfig exchange;
    TlsClientConfig tls;
    bool private_network = false;
    bool operator==(const Settings&) const = default;
  };
  struct Entry {
    std::string header;       // "Bearer …"
    std::string error;        // why there is none
    WallTime until{};         // of either
    WallTime made{};          // when the header came
    std::uint64_t round = 0;  // of the request that is under way; 0: none
    std::vector<Done> waiting;
  };

  void ask(const std::string& upstream, const std::string& subject, Done done);
  bool refused(const std::string& upstream, const std::string& subject, const std::string& used);
  void take(const std::string& key, std::uint64_t round, WallTime token_expires, Result<FetchReply> reply);
  void make_room(WallTime now);

  const Clock& clock_;
  const Fetch fetch_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, Settings, std::less<>> settings_;
  std::unordered_map<std::string, std::weak_ptr<const SubjectToken>> shown_;  // by subject
  std::unordered_map<std::string, Entry> entries_;                            // by upstream and subject
  std::uint64_t rounds_ = 0;
};

}  // namespace bursar::broker
