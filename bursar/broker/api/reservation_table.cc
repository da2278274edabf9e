#include "bursar/broker/api/reservation_table.h"

#include <algorithm>
#include <charconv>

namespace bursar::broker {
namespace {

using State = ReservationInfo::State;

std::string id_of(ledger::HoldId hold) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, hold, 16).ptr;
  return "h-" + std::string(text, end);
}

bool sees(const Principal& principal, const ReservationInfo& info) {
  return principal.admin || principal.subject == info.principal;
}

tl::unexpected<Error> unknown(std::string_view id) {
  return fail(ErrorCode::kNotFound, "there is no reservation " + std::string(id.substr(0, 64)) +
                                        "; one is remembered for ten minutes after its end");
}

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::kHeld: return "held";
    case State::kSettled: return "settled";
    case State::kReleased: return "released";
    case State::kExpired: return "expired";
  }
  return "held";
}

// The ledger voids a hold when its time is over; the table only has to say so.
void ReservationTable::refresh(ReservationInfo& info, WallTime now) {
  if (info.state == State::kHeld && now >= info.expires) info.state = State::kExpired;
}

Result<ReservationTable::Entry*> ReservationTable::own(std::string_view id, const Principal& principal, WallTime now) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || !sees(principal, found->second.info)) return unknown(id);
  refresh(found->second.info, now);
  return &found->second;
}

Result<std::variant<ReservationInfo, ledger::Refusal>> ReservationTable::reserve(ledger::Ledger& ledger,
                                                                                 const Principal& principal,
                                                                                 const ledger::ReserveRequest& request,
                                                                                 WallTime now) {
  {
    const std::scoped_lock lock(mutex_);
    const auto mine = per_principal_.find(principal.subject);
    if (entries_.size() >= kMax || (mine != per_principal_.end() && mine->second >= kMaxPerPrincipal)) {
      return fail(ErrorCode::kExhausted, "too many reservations are open; settle or release some first", true);
    }
  }
  ledger::Reservation made = ledger.reserve_blocking(request);
  if (auto* refusal = std::get_if<ledger::Refusal>(&made))
    return std::variant<ReservationInfo, ledger::Refusal>(*refusal);
  if (!std::holds_alternative<ledger::Hold>(made)) {
    return fail(ErrorCode::kUnavailable, "the ledger did not answer in time; try again", true);
  }
  auto hold = std::get<ledger::Hold>(std::move(made));
  const std::scoped_lock lock(mutex_);
  const std::string id = id_of(hold.id());
  // The same idempotency key gave a hold that stands here already; the second handle on it is dropped.
  if (const auto known = entries_.find(id); known != entries_.end()) {
    refresh(known->second.info, now);
    return std::variant<ReservationInfo, ledger::Refusal>(known->second.info);
  }
  ReservationInfo info{.id = id,
                       .account = request.account,
                       .principal = principal.subject,
                       .amounts = hold.amounts(),
                       .expires = now + request.ttl};
  ++per_principal_[principal.subject];
  entries_.emplace(id, Entry{info, std::move(hold), info.expires + kRemembered});
  return std::variant<ReservationInfo, ledger::Refusal>(std::move(info));
}

Result<ReservationInfo> ReservationTable::find(std::string_view id, const Principal& principal, WallTime now) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || !sees(principal, found->second.info)) return unknown(id);
  ReservationInfo info = found->second.info;
  refresh(info, now);
  return info;
}

std::vector<ReservationInfo> ReservationTable::list(const Principal& principal, WallTime now, std::size_t limit) const {
  const std::scoped_lock lock(mutex_);
  std::vector<ReservationInfo> out;
  for (const auto& [id, entry] : entries_) {
    if (out.size() >= limit) break;
    if (!sees(principal, entry.info)) continue;
    out.push_back(entry.info);
    refresh(out.back(), now);
  }
  return out;
}

Result<ReservationInfo> ReservationTable::settle(std::string_view id, const Principal& principal,
                                                 ledger::Settlement settlement, WallTime now) {
  const std::scoped_lock lock(mutex_);
  const auto entry = own(id, principal, now);
  if (!entry) return tl::unexpected(entry.error());
  ReservationInfo& info = (*entry)->info;
  if (info.state == State::kReleased) {
    return fail(ErrorCode::kAlreadyExists, "reservation " + info.id + " was released; reserve again");
  }
  auto receipt = (*entry)->hold.settle(std::move(settlement));
  if (!receipt) return tl::unexpected(receipt.error());
  info.receipt = std::move(*receipt);
  info.state = State::kSettled;
  (*entry)->forget = std::min((*entry)->forget, now + kRemembered);
  return info;
}

Result<ReservationInfo> ReservationTable::release(std::string_view id, const Principal& principal, WallTime now) {
  const std::scoped_lock lock(mutex_);
  const auto entry = own(id, principal, now);
  if (!entry) return tl::unexpected(entry.error());
  ReservationInfo& info = (*entry)->info;
  if (info.state == State::kSettled) {
    return fail(ErrorCode::kAlreadyExists, "reservation " + info.id + " was settled; what is paid is not given back");
  }
  if (info.state == State::kHeld) info.state = State::kReleased;
  (*entry)->hold.release();
  (*entry)->forget = std::min((*entry)->forget, now + kRemembered);
  return info;
}

Result<ReservationInfo> ReservationTable::extend(std::string_view id, const Principal& principal, Duration ttl,
                                                 WallTime now) {
  const std::scoped_lock lock(mutex_);
  const auto entry = own(id, principal, now);
  if (!entry) return tl::unexpected(entry.error());
  ReservationInfo& info = (*entry)->info;
  if (info.state != State::kHeld) {
    return fail(ErrorCode::kAlreadyExists, "reservation " + info.id + " is " + std::string(name_of(info.state)) +
                                               " and cannot be extended; reserve again");
  }
  if (auto done = (*entry)->hold.extend(ttl); !done) return tl::unexpected(done.error());
  info.expires = now + ttl;
  (*entry)->forget = info.expires + kRemembered;
  return info;
}

void ReservationTable::sweep(WallTime now) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(entries_, [&](const auto& item) {
    if (now < item.second.forget) return false;
    const auto mine = per_principal_.find(item.second.info.principal);
    if (--mine->second == 0) per_principal_.erase(mine);
    return true;
  });
}

}  // namespace bursar::broker
