// Is this gateway ready for production? The readiness checklist, each line decided by a machine.
//
//   DoctorFacts facts = gather_facts("bursar.yaml", process_environment());   // reads files, changes nothing
//   facts.running = parse_status(answer_of_admin_status);                     // where a gateway runs
//   for (const Finding& f : examine(facts)) print(f);
//
// Heads: contracts, models, context, timeouts, errors, observability, storage. What can only be seen of a running
// gateway is left out without one, and one line says so. Source: systems/mcp-production, readiness checklist.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/admin/status.h"
#include "bursar/broker/audit/audit_log.h"
#include "bursar/broker/config/config.h"
#include "bursar/broker/identity/keys.h"

namespace bursar::broker {

enum class Grade : std::uint8_t { kOk, kWarn, kFail };

struct Finding {
  Grade grade = Grade::kOk;
  std::string head;    // "context"
  std::string check;   // "callers beyond loopback need a key"
  std::string detail;  // what is so; one sentence
  std::string advice;  // what to do; empty where it is fine
};

struct DoctorFacts {
  Config config;
  std::string config_error;  // not empty: the file was refused, and nothing else of it is known
  WallTime now;
  bool database_exists = false;
  unsigned database_mode = 0;  // permission bits, 0600
  std::string database_error;  // why it cannot be read, where it exists
  std::vector<KeyInfo> keys;
  std::optional<Verified> audit;  // absent: there is no trail yet, or audit_error says why it does not verify
  std::string audit_error;
  std::vector<std::string> never_signed_in;  // upstreams with auth: oauth that no sign-in is kept of
  std::optional<GatewayStatus> running;
  // What a gateway answered to a session that another principal had opened: empty, it was refused; absent: not tried.
  std::optional<std::string> foreign_session;
};

// An empty path stands for the configuration without a file.
[[nodiscard]] DoctorFacts gather_facts(const std::string& config_path, const Environment& env, WallTime now);
[[nodiscard]] std::vector<Finding> examine(const DoctorFacts& facts);  // pure
[[nodiscard]] Grade worst(const std::vector<Finding>& findings);
[[nodiscard]] std::string_view name_of(Grade grade);  // "ok", "warn", "fail"

}  // namespace bursar::broker
