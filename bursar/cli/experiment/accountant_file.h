// A privacy accountant in a file, shared by all experiments on the same people.
//
//   auto file = AccountantFile::open("privacy.json", /*limit=*/{.epsilon = 1});    // made where there is none
//   auto hold = file->accountant().reserve("visitors of May", {.epsilon = .5});
//   auto ok = file->save();                                                        // beside, synced, renamed
//
// Locked by a file beside it (FILE.lock) while it is open; waits for ten seconds. Errors: kUnavailable, kCorrupt, and
// kInvalidArgument where a limit is given and the file has another, or where there is neither.
#pragma once

#include <optional>
#include <string>

#include "bursar/explore/private_best_arm/privacy_accountant.h"

namespace bursar::cli {

class AccountantFile {
 public:
  [[nodiscard]] static Result<AccountantFile> open(std::string path, std::optional<explore::PrivacyLoss> limit);
  AccountantFile(AccountantFile&& other) noexcept;
  AccountantFile& operator=(AccountantFile&&) = delete;
  ~AccountantFile();

  [[nodiscard]] explore::PrivacyAccountant& accountant() { return *accountant_; }
  [[nodiscard]] Result<void> save() const;

 private:
  AccountantFile(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;
  std::optional<explore::PrivacyAccountant> accountant_;
};

}  // namespace bursar::cli
