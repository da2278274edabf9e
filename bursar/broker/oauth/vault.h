// Where sign-ins outlive the process: a folder beside the database, a sealed file for each upstream.
//
//   Vault vault(handles, "bursar.db.oauth");
//   vault.keep(party, signed_in);                        // bursar.db.oauth/files, mode 0600
//   std::optional<SignedIn> back = vault.read(party);    // absent: none, or not ours to read
//
// Sealed under `handles.secret` (AES-256-GCM) and bound to the upstream's name and url, so that a token never goes to
// another server that was given its name, and a file that was changed, copied or renamed is none. Replaced as a whole,
// on disk before keep() returns. One writer at a time; waits for the disk.
#pragma once

#include <optional>
#include <string>

#include "bursar/broker/mcp/handles.h"
#include "bursar/broker/oauth/sign_in.h"

namespace bursar::broker::oauth {

class Vault {
 public:
  Vault(Handles handles, std::string folder) : handles_(std::move(handles)), folder_(std::move(folder)) {}

  Result<void> keep(const Party& party, const SignedIn& signed_in) const;  // kUnavailable
  Result<void> forget(const Party& party) const;
  [[nodiscard]] std::optional<SignedIn> read(const Party& party) const;

 private:
  [[nodiscard]] std::string file_of(const Party& party) const { return folder_ + "/" + party.name; }

  Handles handles_;
  std::string folder_;
};

[[nodiscard]] std::string vault_folder(const std::string& database);  // "bursar.db.oauth"

// The content of a file; a text of another shape is absent.
[[nodiscard]] std::string text_of(const SignedIn& signed_in);
[[nodiscard]] std::optional<SignedIn> parse_signed_in(std::string_view text);

}  // namespace bursar::broker::oauth
