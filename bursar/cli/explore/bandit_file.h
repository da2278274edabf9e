// A bandit in a file: read whole, written whole, and never by two at a time.
//
//   auto file = BanditFile::open("arms.json", Access::kWrite).value();       // waits for nobody: locked is an error
//   if (!file.policy()) file.begin(std::move(policy), {"a", "b"});
//   … file.policy()->decide(…) …
//   auto ok = file.save();                      // beside, synced, and renamed: a crash leaves the old or the new one
//
// The file: {"bursar-explore":1,"names":[…],"state":{…}}. A lock lies beside it (FILE.lock) while it is open for
// writing. Errors: kUnavailable for what the system refuses, kCorrupt for a file that is damaged or of another kind.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bursar/core/policy.h"

namespace bursar::cli {

enum class Access : std::uint8_t { kRead, kWrite };

class BanditFile {
 public:
  [[nodiscard]] static Result<BanditFile> open(std::string path, Access access);
  BanditFile(BanditFile&& other) noexcept;
  BanditFile& operator=(BanditFile&&) = delete;
  ~BanditFile();

  [[nodiscard]] Policy* policy() const { return policy_.get(); }  // null: there was no file
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] std::string name(std::size_t arm) const;  // or its number
  void begin(std::unique_ptr<Policy> policy, std::vector<std::string> names);
  [[nodiscard]] Result<void> save() const;

 private:
  explicit BanditFile(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Result<void> lock();
  [[nodiscard]] Result<void> read();

  std::string path_;
  int lock_ = -1;
  std::unique_ptr<Policy> policy_;
  std::vector<std::string> names_;
};

}  // namespace bursar::cli
