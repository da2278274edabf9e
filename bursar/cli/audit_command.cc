#include <CLI/CLI.hpp>
#include <ostream>

#include "bursar/broker/audit/audit_log.h"
#include "bursar/cli/command.h"
#include "bursar/cli/output.h"

namespace bursar::cli {
namespace {

struct Words {
  Place place;
  broker::AuditFilter filter;
  std::string since, until;
  bool json = false;
};

std::string milliseconds(std::int64_t us) { return number_text(kMs, us) + " ms"; }

void print_table(const std::vector<broker::AuditRecord>& records, std::ostream& out) {
  Table table({"#", "time", "principal", "account", "what", "result", "took", "spent"});
  for (const auto& r : records) {
    const std::string what = r.tool.empty() ? r.method : r.tool;
    table.add({std::to_string(r.sequence), time_text(r.at), r.principal.empty() ? "-" : r.principal,
               r.account.empty() ? "-" : r.account, what, r.category.empty() ? "ok" : r.category + ' ' + r.code,
               milliseconds(r.elapsed_us), r.committed.empty() ? "-" : r.committed});
  }
  table.print(out);
}

// A running gateway writes its last records before it answers; where none runs, or it lets nobody in, what is on disk
// is all that can be read.
void let_catch_up(const std::string& database) {
  if (const auto door = find_door({}, database)) (void)ask(*door, "GET", "/v1/audit?limit=1");
}

int search(Words words, Output output) {
  const WallTime now = SystemClock().now();
  for (const auto& [text, time] : {std::pair{&words.since, &words.filter.from}, {&words.until, &words.filter.to}}) {
    if (text->empty()) continue;
    const auto parsed = parse_time(*text, now);
    if (!parsed) return complain(output, parsed.error());
    *time = *parsed;
  }
  const auto database = database_of(words.place);
  if (!database) return complain(output, database.error());
  let_catch_up(*database);
  const auto records = broker::query(*database, words.filter);
  if (!records) return complain(output, records.error());
  if (!words.json) {
    print_table(*records, output.out);
    return kDone;
  }
  for (const auto& record : *records) output.out << broker::to_json(record) << '\n';
  return kDone;
}

int verify_trail(const Words& words, Output output) {
  const auto database = database_of(words.place);
  if (!database) return complain(output, database.error());
  let_catch_up(*database);
  const auto verified = broker::verify(*database);
  if (!verified) return complain(output, verified.error());
  if (words.json) {
    output.out << "{\"records\":" << verified->records << ",\"head\":\"" << verified->head << "\"}\n";
  } else {
    output.out << "the trail is whole: " << verified->records << " records, head " << verified->head << '\n';
  }
  return kDone;
}

}  // namespace

void add_audit(CLI::App& app, Chosen& chosen) {
  auto* audit = app.add_subcommand("audit", "The audit trail: query, verify");
  audit->require_subcommand(1);
  auto words = std::make_shared<Words>();
  auto* find = audit->add_subcommand("query", "Shows who called what, and what came of it; the newest last");
  add_place(*find, words->place);
  find->add_option("--principal", words->filter.principal, "Glob, such as \"key:ada*\"");
  find->add_option("--tool", words->filter.tool, "Glob, such as \"files.*\"");
  find->add_option("--account", words->filter.account, "Glob, such as \"acme/*\"");
  find->add_option("--since", words->since, "2026-11-25, 2026-11-25T09:00:00Z, or \"2 h\"");
  find->add_option("--until", words->until, "Likewise; records before that time");
  find->add_flag("--failures", words->filter.failures_only, "Only what did not succeed");
  find->add_option("--limit", words->filter.limit, "At most so many records, the newest (1000)");
  find->add_flag("--json", words->json, "Prints a JSON object a line");
  find->callback([words, &chosen] { chosen.action = [words](Output output) { return search(*words, output); }; });
  auto* prove = audit->add_subcommand("verify", "Recomputes the chain, and names the first record that was touched");
  add_place(*prove, words->place);
  prove->add_flag("--json", words->json, "Prints a JSON object");
  prove->callback(
      [words, &chosen] { chosen.action = [words](Output output) { return verify_trail(*words, output); }; });
}

}  // namespace bursar::cli
