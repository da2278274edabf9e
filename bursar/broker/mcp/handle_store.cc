#include "bursar/broker/mcp/handle_store.h"

#include <algorithm>

#include "bursar/broker/audit/database.h"
#include "bursar/broker/audit/digest.h"

namespace bursar::broker {
namespace {

constexpr const char* kSecretTable =
    "CREATE TABLE IF NOT EXISTS handle_secret(id INTEGER PRIMARY KEY CHECK(id = 1), secret TEXT NOT NULL)";
constexpr const char* kEndedTable =
    "CREATE TABLE IF NOT EXISTS ended_session(digest TEXT PRIMARY KEY, until_us INTEGER NOT NULL) WITHOUT ROWID";

std::string digest_of_id(std::string_view id) {
  const Sha256 digest = sha256(id);
  return base64url(std::string_view(reinterpret_cast<const char*>(digest.data()), 16));
}

}  // namespace

Result<std::string> handle_secret(const std::string& path) {
  auto opened = Database::open(path, Database::Mode::kWrite);
  if (!opened) return tl::unexpected(opened.error());
  Database& database = **opened;
  if (auto ok = database.execute(kSecretTable); !ok) return tl::unexpected(ok.error());
  const std::string fresh = base64url(random_bytes(32));
  if (fresh.empty()) return fail(ErrorCode::kUnavailable, "the operating system gives no random bytes", true);
  auto insert = database.prepare("INSERT OR IGNORE INTO handle_secret(id, secret) VALUES (1, ?1)");
  if (!insert) return tl::unexpected(insert.error());
  insert->bind(1, fresh);
  if (auto ok = insert->run(); !ok) return tl::unexpected(ok.error());
  // Another process may have been first.
  auto select = database.prepare("SELECT secret FROM handle_secret WHERE id = 1");
  if (!select) return tl::unexpected(select.error());
  const auto row = select->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return fail(ErrorCode::kCorrupt, "the table handle_secret is empty");
  return select->text(0);
}

EndedSessions::EndedSessions() = default;
EndedSessions::~EndedSessions() = default;

Result<std::shared_ptr<EndedSessions>> EndedSessions::open(const std::string& path, WallTime now) {
  auto opened = Database::open(path, Database::Mode::kWrite);
  if (!opened) return tl::unexpected(opened.error());
  auto ended = std::make_shared<EndedSessions>();
  ended->database_ = std::move(*opened);
  if (auto ok = ended->database_->execute(kEndedTable); !ok) return tl::unexpected(ok.error());
  auto select =
      ended->database_->prepare("SELECT digest, until_us FROM ended_session ORDER BY until_us DESC LIMIT 65536");
  if (!select) return tl::unexpected(select.error());
  while (true) {
    const auto row = select->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
    if (select->integer(1) > unix_us(now)) ended->until_us_.emplace(select->text(0), select->integer(1));
  }
  return ended;
}

void EndedSessions::add(std::string_view id, WallTime until) {
  std::string digest = digest_of_id(id);
  const std::scoped_lock lock(mutex_);
  if (until_us_.size() >= kMax) {
    until_us_.erase(std::min_element(until_us_.begin(), until_us_.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
  if (!until_us_.emplace(digest, unix_us(until)).second || !database_) return;
  if (unwritten_.size() < kMax) unwritten_.emplace_back(std::move(digest), unix_us(until));
}

bool EndedSessions::contains(std::string_view id) const {
  const std::string digest = digest_of_id(id);
  const std::scoped_lock lock(mutex_);
  return until_us_.contains(digest);
}

Result<void> EndedSessions::flush(WallTime now) {
  std::vector<std::pair<std::string, std::int64_t>> fresh;
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(until_us_, [&](const auto& entry) { return entry.second <= unix_us(now); });
    fresh.swap(unwritten_);
  }
  if (fresh.empty() || !database_) return {};
  const std::scoped_lock lock(writing_);
  return database_->transaction([&]() -> Result<void> {
    auto clean = database_->prepare("DELETE FROM ended_session WHERE until_us <= ?1");
    if (!clean) return tl::unexpected(clean.error());
    clean->bind(1, unix_us(now));
    if (auto ok = clean->run(); !ok) return ok;
    auto insert = database_->prepare("INSERT OR REPLACE INTO ended_session(digest, until_us) VALUES (?1, ?2)");
    if (!insert) return tl::unexpected(insert.error());
    for (const auto& [digest, until] : fresh) {
      insert->bind(1, digest);
      insert->bind(2, until);
      if (auto ok = insert->run(); !ok) return ok;
    }
    return {};
  });
}

std::size_t EndedSessions::size() const {
  const std::scoped_lock lock(mutex_);
  return until_us_.size();
}

}  // namespace bursar::broker
