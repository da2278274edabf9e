#include "bursar/ledger/simulation_model.h"

#include <algorithm>
#include <cmath>

namespace bursar::ledger {

std::string Model::cell_name(const std::string& account, const Limit& limit) {
  return account + "|" + std::string(limit.resource.name()) + "|" + std::to_string(static_cast<int>(limit.window.kind));
}

std::vector<std::string> Model::path(const std::string& leaf) const {
  std::vector<std::string> names;
  for (std::size_t at = leaf.find('/'); at != std::string::npos; at = leaf.find('/', at + 1)) {
    names.push_back(leaf.substr(0, at));
  }
  names.push_back(leaf);
  return names;
}

template <class F>
void Model::each_cell(const std::string& leaf, F&& f) {
  for (const std::string& name : path(leaf)) {
    for (const Limit& limit : accounts.at(name).limits)
      f(name, cells.at(cell_name(name, limit)), cell_name(name, limit));
  }
}

void Model::refill(ModelCell& cell, std::int64_t now_us) const {
  const auto amount = static_cast<double>(cell.amount_high);
  const double period = static_cast<double>(cell.limit.window.period.count());
  const double gained = (static_cast<double>(now_us) - cell.tokens_at_us) * amount / period;
  cell.tokens = std::min(amount, cell.tokens + std::max(0.0, gained));
  cell.tokens_at_us = static_cast<double>(now_us);
}

void Model::put_pending(const AccountSpec& spec) {
  for (const Limit& limit : spec.limits) {
    const auto found = cells.find(cell_name(spec.path, limit));
    if (found == cells.end() || !found->second.attached) continue;
    found->second.amount_low = std::min(found->second.amount_low, limit.amount);
    found->second.amount_high = std::max(found->second.amount_high, limit.amount);
  }
}

void Model::attach(const AccountSpec& spec, std::int64_t now_us) {
  AccountSpec* known = accounts.contains(spec.path) ? &accounts.at(spec.path) : nullptr;
  for (const Limit& limit : spec.limits) {
    const auto [at, added] = cells.try_emplace(cell_name(spec.path, limit));
    ModelCell& cell = at->second;
    const auto begin_us = unix_us(span_of(limit.window, wall_from_unix_us(now_us))->begin);
    if (added) {
      cell.tokens = static_cast<double>(limit.amount);
      cell.tokens_at_us = static_cast<double>(now_us);
      cell.begin_us = begin_us;
    }
    if (!cell.attached) {
      cell.instance = next_instance_++;
      cell.limit = limit;
      cell.amount_low = cell.amount_high = limit.amount;
      cell.attached = true;
      if (known != nullptr) known->limits.push_back(limit);
    } else if (!(cell.limit.window == limit.window)) {
      cell.limit.window = limit.window;
      cell.begin_us = begin_us;  // the count goes on
    }
  }
}

void Model::confirm(const AccountSpec& spec, std::int64_t now_us) {
  attach(spec, now_us);
  for (auto& [name, cell] : cells) {
    if (!cell.attached || !name.starts_with(spec.path + "|")) continue;
    const auto same = [&, &n = name](const Limit& limit) { return cell_name(spec.path, limit) == n; };
    const auto limit = std::find_if(spec.limits.begin(), spec.limits.end(), same);
    if (limit == spec.limits.end()) {
      cell.attached = false;
      cell.held = cell.direct = 0;
      cell.instance = next_instance_++;
      continue;
    }
    cell.limit = *limit;
    if (limit->window.kind == WindowKind::kRate) {
      refill(cell, now_us);
      cell.tokens = std::min(cell.tokens, static_cast<double>(limit->amount));
    }
    cell.amount_low = cell.amount_high = limit->amount;
  }
  accounts[spec.path] = confirmed[spec.path] = spec;
}

void Model::acknowledge(ModelHold& hold) {
  if (hold.acknowledged || !hold.settled) return;
  hold.acknowledged = true;
  each_cell(hold.account, [&](const std::string&, ModelCell& cell, const std::string& cell_id) {
    if (hold.instances[cell_id] != cell.instance) return;
    const std::int64_t actual = hold.receipt.actual[cell.limit.resource];
    const std::int64_t reserved = hold.late ? 0 : hold.amounts[cell.limit.resource];
    cell.truth += hold.guarded ? actual - std::min(actual, reserved) : actual;
  });
}

void Model::roll(std::int64_t now_us, std::uint64_t& rolled) {
  for (auto& [name, cell] : cells) {
    const auto begin = unix_us(span_of(cell.limit.window, wall_from_unix_us(now_us))->begin);
    if (begin <= cell.begin_us) continue;
    cell.begin_us = begin;
    cell.instance = next_instance_++;
    cell.base_known = true;
    cell.base = cell.spent = cell.held = cell.overrun = cell.truth = cell.direct = 0;
    ++rolled;
  }
}

void Model::grant(HoldId id, const ReserveRequest& request, std::int64_t now_us, bool guarded) {
  ModelHold hold{.account = request.account,
                 .key = request.idempotency_key,
                 .amounts = request.amounts,
                 .expires_us = now_us + request.ttl.count(),
                 .guarded = guarded};
  each_cell(request.account, [&](const std::string& name, ModelCell& cell, const std::string& cell_id) {
    const std::int64_t units = request.amounts[cell.limit.resource];
    hold.instances[cell_id] = cell.instance;
    cell.held += units;
    if (name == request.account) cell.direct += units;
    if (cell.limit.window.kind == WindowKind::kRate) {
      refill(cell, now_us);
      cell.tokens -= static_cast<double>(units);
    }
  });
  holds[id] = std::move(hold);
}

std::string Model::over_limit(const std::string& leaf, const Amounts& amounts) const {
  for (const std::string& name : path(leaf)) {
    for (const Limit& limit : accounts.at(name).limits) {
      const ModelCell& cell = cells.at(cell_name(name, limit));
      if (amounts[limit.resource] == 0) continue;
      if (limit.window.kind == WindowKind::kRate) {
        if (cell.tokens < -1e-3) {
          return cell_name(name, limit) + ": the bucket is overdrawn by " + std::to_string(-cell.tokens);
        }
      } else if (cell.truth + cell.held > cell.amount_high || cell.base + cell.spent + cell.held > cell.amount_high) {
        return cell_name(name, limit) + ": base " + std::to_string(cell.base) + " + spent " +
               std::to_string(cell.spent) + " + held " + std::to_string(cell.held) + " (truth " +
               std::to_string(cell.truth) + ") > limit " + std::to_string(cell.amount_high);
      }
    }
  }
  return {};
}

void Model::settle(ModelHold& hold, const Receipt& receipt, bool late, std::int64_t now_us) {
  each_cell(hold.account, [&](const std::string& name, ModelCell& cell, const std::string& cell_id) {
    const std::int64_t actual = receipt.actual[cell.limit.resource];
    const std::int64_t reserved = late ? 0 : hold.amounts[cell.limit.resource];
    if (reserved == 0) hold.instances[cell_id] = cell.instance;
    if (hold.instances[cell_id] != cell.instance) return;
    cell.held -= reserved;
    cell.spent += actual;
    cell.overrun += std::max<std::int64_t>(0, actual - reserved);
    if (hold.guarded) cell.truth += std::min(actual, reserved);
    if (name == hold.account) cell.direct += actual - reserved;
    if (cell.limit.window.kind == WindowKind::kRate) {
      refill(cell, now_us);
      cell.tokens =
          std::min(static_cast<double>(cell.amount_high), cell.tokens + static_cast<double>(reserved - actual));
    }
  });
  hold.settled = hold.ended = true;
  hold.late = late;
  hold.receipt = receipt;
}

void Model::end(ModelHold& hold, std::int64_t now_us) {
  if (hold.ended) return;
  each_cell(hold.account, [&](const std::string& name, ModelCell& cell, const std::string& cell_id) {
    const std::int64_t units = hold.amounts[cell.limit.resource];
    if (hold.instances[cell_id] != cell.instance) return;
    cell.held -= units;
    if (name == hold.account) cell.direct -= units;
    if (cell.limit.window.kind == WindowKind::kRate) {
      refill(cell, now_us);
      cell.tokens = std::min(static_cast<double>(cell.amount_high), cell.tokens + static_cast<double>(units));
    }
  });
  hold.ended = true;
}

void Model::expire(std::int64_t now_us) {
  for (auto& [id, hold] : holds) {
    if (!hold.ended && hold.expires_us <= now_us) end(hold, now_us);
  }
}

void Model::crash() {
  for (auto& [id, hold] : holds) {
    // An overrun that was not acknowledged, and what a fail_open account spent without the store, may be forgotten.
    each_cell(hold.account, [&](const std::string&, ModelCell& cell, const std::string&) {
      if (cell.limit.window.kind != WindowKind::kRate || (hold.settled && hold.acknowledged)) return;
      const std::int64_t actual = hold.settled ? hold.receipt.actual[cell.limit.resource] : 0;
      const std::int64_t reserved = hold.late || !hold.guarded ? 0 : hold.amounts[cell.limit.resource];
      const std::int64_t open = hold.ended || hold.guarded ? 0 : hold.amounts[cell.limit.resource];
      const std::int64_t forgotten = std::max<std::int64_t>(0, actual - reserved) + open;
      cell.tokens = std::min(static_cast<double>(cell.amount_high), cell.tokens + static_cast<double>(forgotten));
    });
    if (hold.ended) continue;
    each_cell(hold.account, [&](const std::string&, ModelCell& cell, const std::string& cell_id) {
      if (hold.guarded && hold.instances[cell_id] == cell.instance) cell.truth += hold.amounts[cell.limit.resource];
    });
    hold.ended = true;
  }
  holds.clear();
  for (auto& [name, cell] : cells) cell.spent = cell.held = cell.overrun = cell.direct = 0;
}

}  // namespace bursar::ledger
