#include "bursar/broker/records.h"

#include <filesystem>

#include "bursar/broker/configured_accounts.h"
#include "bursar/broker/latency_file.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/ledger/sqlite_store.h"

namespace bursar::broker {
namespace {

// Receipts share the disk with the audit trail: fewer, larger groups. A crash leaves more to the leases, which count as
// spent what no receipt explains; accounts with durability `sync` never wait for a group.
constexpr auto kReceiptGroup = std::chrono::milliseconds{20};

std::string latency_file(const std::string& database) { return database + ".latency.json"; }

}  // namespace

Result<std::unique_ptr<Records>> Records::open(const Config& config, const Clock& clock, Metrics& metrics) {
  const auto parent = std::filesystem::path(config.database).parent_path();
  std::error_code ignored;
  if (!parent.empty()) std::filesystem::create_directories(parent, ignored);
  std::unique_ptr<Records> out(new Records(metrics, config.database));
  // First, for it makes a new file readable for its owner only.
  auto keys = KeyStore::open(config.database, clock, {.watch = true});
  if (!keys) return tl::unexpected(with_context("keys", keys.error()));
  out->keys_ = std::move(*keys);
  auto store = ledger::open_sqlite_store({.path = config.database});
  if (!store) return tl::unexpected(with_context("database", store.error()));
  auto ledger = ledger::Ledger::open(std::move(*store), clock, {.group_commit = kReceiptGroup});
  if (!ledger) return tl::unexpected(with_context("database", ledger.error()));
  out->ledger_ = std::move(*ledger);
  auto audit = AuditLog::open(config.database);
  if (!audit) return tl::unexpected(with_context("audit", audit.error()));
  out->audit_ = std::move(*audit);
  out->latencies_ = read_latencies(latency_file(config.database));
  if (auto ok = out->adopt(config, nullptr); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<void> Records::adopt(const Config& wanted, const Config* running) {
  if (auto ok = security_log_.open(wanted.audit.security_log); !ok) return ok;
  return put_accounts(*ledger_, wanted, running);
}

void Records::keep(const AuditEntry& entry, bool denied) {
  if (entry.category == "INTERNAL_ERROR") internal_errors_.fetch_add(1);
  if (denied || entry.category == "PERMISSION_DENIED") {
    security_log_.write("call_denied", {{"call", entry.call_id},
                                        {"principal", entry.principal},
                                        {"account", entry.account},
                                        {"method", entry.method},
                                        {"tool", entry.tool},
                                        {"upstream", entry.upstream},
                                        {"code", entry.code}});
  }
  audit_->append(entry);
}

void Records::denied(const Ingress& ingress, const HttpRefusal& refusal) {
  metrics_.authentication_failed(std::to_string(refusal.status));
  security_log_.write("request_denied", {{"status", refusal.status},
                                         {"host", ingress.host},
                                         {"origin", ingress.origin},
                                         {"server", ingress.server},
                                         {"loopback", ingress.loopback}});
}

void Records::save_latencies() { write_latencies(latency_file(database_), latencies_); }

void Records::flush_audit() {
  if (auto ok = audit_->flush(); !ok) log(LogLevel::kError, "audit_not_written", {{"reason", ok.error().message}});
}

void Records::flush() {
  save_latencies();
  flush_audit();
  if (auto ok = ledger_->flush(); !ok) log(LogLevel::kError, "ledger_not_written", {{"reason", ok.error().message}});
}

}  // namespace bursar::broker
