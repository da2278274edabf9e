// The accounts of all upstreams that we may sign in to, and where they are kept.
//
//   Accounts accounts({.clock = &clock, .fetch = make_fetch(*reactors), .redirect_uri = …, .signed_in = …});
//   accounts.open(Vault(handles, vault_folder(config.database)));      // before the first credential()
//   auto upstream = make_upstream(wanted, reactors, {}, accounts.credential(wanted));
//   accounts.adopt(config.upstreams);                                  // those of a configuration that was taken over
//   accounts.tick();                                                   // once a second
//
// An upstream whose url or `oauth` changed is another account. Thread-safe; what goes to disk is written by a thread of
// its own, which starts with the first sign-in.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/http/workers.h"
#include "bursar/broker/oauth/account.h"
#include "bursar/broker/oauth/vault.h"

namespace bursar::broker::oauth {

class Accounts {
 public:
  struct Dependencies {
    const Clock* clock = nullptr;
    Fetch fetch;
    std::function<std::string(const Party&)> redirect_uri;
    std::function<void(const std::string& upstream)> signed_in;
  };
  explicit Accounts(Dependencies dependencies);
  ~Accounts();  // what waits for the disk is written

  void open(Vault vault);
  // Of an upstream of the running configuration, or of the one that is about to be; null where we may not sign in.
  [[nodiscard]] std::shared_ptr<UpstreamCredential> credential(const UpstreamConfig& upstream);
  void adopt(const std::vector<UpstreamConfig>& upstreams);
  void tick();
  void stop();

  // Null where there is none of that name.
  [[nodiscard]] std::shared_ptr<UpstreamAccount> find(std::string_view upstream) const;
  [[nodiscard]] std::vector<SignInStatus> status() const;  // by name
  // For the account whose sign-in the target's state belongs to: its name, when it is over.
  void come_back(const std::string& target, std::function<void(Result<std::string> name)> done);

 private:
  using Map = std::map<std::string, std::shared_ptr<UpstreamAccount>, std::less<>>;
  // What is to be written of an upstream: absent content is forgotten.
  struct Unwritten {
    Party party;
    std::optional<SignedIn> signed_in;
  };
  void keep(const Party& party, const std::optional<SignedIn>& signed_in);
  void write();

  std::shared_ptr<AccountServices> services_;
  std::shared_ptr<const Vault> vault_;
  std::mutex writing_;        // keeps what is written in order
  mutable std::mutex mutex_;  // guards what follows
  Map accounts_, coming_;
  std::map<std::string, Unwritten> unwritten_;
  bool stopped_ = false;
  std::unique_ptr<Workers> writer_;
};

// Where a browser reaches us after a sign-in: `oauth.redirect_url`, else /oauth/callback beside `resource`
// (identity.resource), else of the gateway's own url.
[[nodiscard]] std::string redirect_uri_of(const Party& party, const std::string& resource, const std::string& gateway);

}  // namespace bursar::broker::oauth
