// Holds that callers outside of this process reserved through the API, by the ids that they know them by.
//
//   auto made = table.reserve(ledger, principal, {.account = "acme/ada", .amounts = worst_case, .ttl = 60s}, now);
//   auto receipt = table.settle("h-1c5", principal, {.actual = cost});
//
// Idempotent as the ledger is: the same key and amounts give the same reservation, settling again the same receipt. An
// ended reservation is remembered for ten minutes, so that a late settle still records the truth. A crash of this
// process leaves what was reserved as spent ("stranded") until an operator forgives it. Thread-safe; bounded.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bursar/broker/identity/principal.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

struct ReservationInfo {
  enum class State : std::uint8_t { kHeld, kSettled, kReleased, kExpired };
  std::string id, account, principal;
  Amounts amounts;
  WallTime expires;
  State state = State::kHeld;
  std::optional<ledger::Receipt> receipt;  // of a settled one
};
[[nodiscard]] std::string_view name_of(ReservationInfo::State state);  // "held", …

class ReservationTable {
 public:
  static constexpr std::size_t kMaxPerPrincipal = 10'000, kMax = 100'000;
  static constexpr Duration kRemembered = std::chrono::minutes{10};

  // Errors: kExhausted past a bound of this table. May wait for the ledger's disk.
  [[nodiscard]] Result<std::variant<ReservationInfo, ledger::Refusal>> reserve(ledger::Ledger& ledger,
                                                                               const Principal& principal,
                                                                               const ledger::ReserveRequest& request,
                                                                               WallTime now);
  // Of the principal that reserved it; an administrator sees all. Errors: kNotFound.
  [[nodiscard]] Result<ReservationInfo> find(std::string_view id, const Principal& principal, WallTime now) const;
  [[nodiscard]] std::vector<ReservationInfo> list(const Principal& principal, WallTime now, std::size_t limit) const;
  // Errors: kNotFound; kAlreadyExists where it was released; the ledger's.
  Result<ReservationInfo> settle(std::string_view id, const Principal& principal, ledger::Settlement settlement,
                                 WallTime now);
  Result<ReservationInfo> release(std::string_view id, const Principal& principal, WallTime now);
  Result<ReservationInfo> extend(std::string_view id, const Principal& principal, Duration ttl, WallTime now);
  void sweep(WallTime now);

 private:
  struct Entry {
    ReservationInfo info;
    ledger::Hold hold;
    WallTime forget;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  [[nodiscard]] Result<Entry*> own(std::string_view id, const Principal& principal, WallTime now);
  static void refresh(ReservationInfo& info, WallTime now);

  mutable std::mutex mutex_;
  Entries entries_;
  std::map<std::string, std::size_t, std::less<>> per_principal_;
};

}  // namespace bursar::broker
