// Everything that a gateway writes down: budgets and receipts, keys, the audit trail, denials, learned latencies.
//
//   auto records = Records::open(config, clock, metrics);   // errors: what cannot be opened, and what to do
//   records->ledger().try_reserve(…);
//   records->keep(entry_of(call, now, made), denied);       // the audit trail, and the security log where denied
//   records->adopt(wanted, &running);                       // a changed configuration
//   records->flush();                                       // at the end
//
// Thread-safe.
#pragma once

#include <atomic>
#include <memory>

#include "bursar/broker/audit/audit_log.h"
#include "bursar/broker/config/config.h"
#include "bursar/broker/identity/keys.h"
#include "bursar/broker/pipeline/call.h"
#include "bursar/broker/telemetry/metrics.h"
#include "bursar/broker/telemetry/security_log.h"
#include "bursar/ledger/ledger.h"
#include "bursar/schedule/latency_store.h"

namespace bursar::broker {

class Records {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Records>> open(const Config& config, const Clock& clock,
                                                             Metrics& metrics);

  [[nodiscard]] ledger::Ledger& ledger() { return *ledger_; }
  [[nodiscard]] KeyStore& keys() { return *keys_; }
  [[nodiscard]] const AuditLog& audit() const { return *audit_; }
  [[nodiscard]] SecurityLog& security_log() { return security_log_; }
  [[nodiscard]] schedule::LatencyStore& latencies() { return latencies_; }

  Result<void> adopt(const Config& wanted, const Config* running);
  void keep(const AuditEntry& entry, bool denied = false);
  void denied(const Ingress& ingress, const HttpRefusal& refusal);  // a request that never became a call
  [[nodiscard]] std::uint64_t internal_errors() const { return internal_errors_.load(); }

  void save_latencies();
  void flush_audit();  // waits until the trail is on disk; what cannot be written is logged
  void flush();        // likewise, everything

 private:
  Records(Metrics& metrics, std::string database) : metrics_(metrics), database_(std::move(database)) {}

  Metrics& metrics_;
  const std::string database_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<KeyStore> keys_;
  std::unique_ptr<AuditLog> audit_;
  SecurityLog security_log_;
  schedule::LatencyStore latencies_;
  std::atomic<std::uint64_t> internal_errors_{0};
};

}  // namespace bursar::broker
