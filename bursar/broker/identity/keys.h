// Virtual keys: made here, shown once, stored as their SHA-256, and verified in memory.
//
//   auto keys = KeyStore::open("bursar.db", clock, {.watch = true});
//   Result<CreatedKey> made = (*keys)->create({.name = "ada-laptop", .account = "acme/research/ada"});
//   show_once(made->secret);                                   // sk-bursar-…
//   std::optional<Principal> who = (*keys)->verify(secret);    // {"key:ada-laptop", "acme/research/ada"}
//
// A secret is 256 random bits, so its plain hash is enough: there is nothing to guess. verify() hashes once and looks
// in an immutable snapshot; it takes no lock and does no I/O. Keys that another process makes or revokes are seen
// within about a second where `watch` is on.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/identity/key_verifier.h"
#include "bursar/core/clock.h"
#include "bursar/core/result.h"

namespace bursar::broker {

struct NewKey {
  std::string name;                      // [A-Za-z0-9._@-]{1,64}; never used twice, not even after it was revoked
  std::string account;                   // a ledger path
  std::vector<std::string> scopes = {};  // each without white space
  bool admin = false;
  std::optional<WallTime> expires = std::nullopt;
};

struct KeyInfo {
  std::string name, account;
  std::vector<std::string> scopes;
  bool admin = false;
  WallTime created;
  std::optional<WallTime> expires, revoked;
  std::string hint;  // last four characters of the secret
};

struct CreatedKey {
  std::string secret;
  KeyInfo info;
};

struct KeyStoreOptions {
  bool watch = false;  // a thread of its own looks once a second whether another process changed the keys
};

// Thread-safe.
class KeyStore final : public KeyVerifier {
 public:
  // Creates the file and its table where they are missing. Errors: kUnavailable, kCorrupt.
  [[nodiscard]] static Result<std::unique_ptr<KeyStore>> open(const std::string& database, const Clock& clock,
                                                              KeyStoreOptions options = {});
  ~KeyStore() override;

  [[nodiscard]] Result<CreatedKey> create(const NewKey& key);  // kInvalidArgument, kAlreadyExists
  Result<KeyInfo> revoke(std::string_view name);               // kNotFound; revoking twice changes nothing
  [[nodiscard]] Result<std::vector<KeyInfo>> list() const;     // by name
  [[nodiscard]] std::optional<Principal> verify(std::string_view secret) const override;
  [[nodiscard]] std::size_t valid_keys() const;
  // A secret of an administrator without an account, known to this object alone and gone with it; for the command line
  // of the user who runs the gateway. Empty where the system has no random bytes.
  [[nodiscard]] std::string issue_local_admin();
  Result<void> refresh();  // reads again what another process may have changed

 private:
  struct State;
  explicit KeyStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Keys of a database without creating anything; none where the file or the table is missing.
[[nodiscard]] Result<std::vector<KeyInfo>> list_keys(const std::string& database);

}  // namespace bursar::broker
