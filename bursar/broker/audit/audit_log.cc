#include "bursar/broker/audit/audit_log.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "bursar/broker/audit/audit_table.h"
#include "bursar/broker/audit/digest.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/telemetry/log.h"

namespace bursar::broker {
namespace {

constexpr auto kRetryPause = std::chrono::milliseconds{100};
constexpr auto kFlushPatience = std::chrono::seconds{10};
constexpr std::size_t kMaxGroup = 4096;  // records of one transaction
constexpr std::size_t kMaxText = 1024, kMaxArguments = 64 << 10;

struct Waiting {
  WallTime at;
  std::string encoded;
};

Waiting gap(std::size_t lost, WallTime at) {
  const std::string what = std::to_string(lost) + " records lost: the queue was full";
  AuditEntry entry;
  entry.method = "audit/gap";
  entry.category = "INTERNAL_ERROR";
  entry.code = "RECORDS_LOST";
  entry.outcome = what;
  return {at, encode_fields(entry)};
}

}  // namespace

struct AuditLog::State {
  AuditOptions options;
  std::unique_ptr<Database> db;
  std::string secret;

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable wake, written;
  std::vector<Waiting> queue;
  std::size_t writing = 0;  // taken off the queue, not yet on disk
  std::size_t lost = 0;
  std::uint64_t appended = 0, durable = 0;
  std::optional<Error> failure;
  bool stopping = false, hurry = false;
  std::thread writer;

  Result<void> prepare() {
    if (auto ok = db->execute(kAuditSchema); !ok) return ok;
    return db->transaction([&]() -> Result<void> {
      auto known = read_secret(*db);
      if (!known) return tl::unexpected(known.error());
      secret = *known;
      if (!secret.empty()) return {};
      const std::string fresh = random_bytes(32);
      if (fresh.empty())
        return fail(ErrorCode::kUnavailable, "the system has no random bytes to give; try again", true);
      secret = base64url(fresh);
      auto insert = db->prepare("INSERT INTO broker_secret(name, value) VALUES ('audit', ?1)");
      if (!insert) return tl::unexpected(insert.error());
      insert->bind(1, secret);
      return insert->run();
    });
  }

  Result<void> write(const std::vector<Waiting>& group) {
    return db->transaction([&]() -> Result<void> {
      auto head = read_head(*db);
      if (!head) return tl::unexpected(head.error());
      auto insert = db->prepare(kAuditInsert);
      if (!insert) return tl::unexpected(insert.error());
      for (const Waiting& one : group) {
        AuditLink link{
            .sequence = head->sequence + 1, .at = one.at, .previous_hash = std::move(head->hash), .hash = {}};
        link.hash = chain_hash(link, one.encoded);
        bind_record(*insert, link, one.encoded);
        if (auto ok = insert->run(); !ok) return ok;
        head->sequence = link.sequence;
        head->hash = std::move(link.hash);
      }
      auto update = db->prepare("INSERT OR REPLACE INTO audit_head(id, sequence, hash, mac) VALUES (1, ?1, ?2, ?3)");
      if (!update) return tl::unexpected(update.error());
      update->bind(1, static_cast<std::int64_t>(head->sequence));
      update->bind(2, head->hash);
      update->bind(3, head_mac(secret, head->sequence, head->hash));
      return update->run();
    });
  }

  std::vector<Waiting> take() {
    const std::size_t count = std::min(queue.size(), kMaxGroup);
    const auto end = queue.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Waiting> group(std::make_move_iterator(queue.begin()), std::make_move_iterator(end));
    queue.erase(queue.begin(), end);
    writing = count;
    return group;
  }

  void note(const Result<void>& done, std::size_t records) {
    if (done) {
      if (failure) log(LogLevel::kInfo, "audit_works_again");
      durable += records;
      failure.reset();
      return;
    }
    if (!failure) log(LogLevel::kError, "audit_failed", {{"why", done.error().message}});
    failure = done.error();
  }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      // The group gathers for a moment, unless somebody waits for it.
      wake.wait_for(lock, options.group_commit, [&] { return stopping || hurry || queue.size() >= kMaxGroup; });
      std::vector<Waiting> group = take();
      const std::size_t records = group.size();
      if (lost > 0) group.push_back(gap(std::exchange(lost, 0), group.back().at));
      for (bool written_now = false; !written_now;) {
        lock.unlock();
        const auto done = write(group);
        lock.lock();
        note(done, records);
        written_now = done.has_value();
        if (!written_now && stopping) return;  // the disk had its last chance
        if (!written_now) wake.wait_for(lock, kRetryPause, [&] { return stopping; });
      }
      writing = 0;
      hurry = hurry && !queue.empty();
      written.notify_all();
    }
  }
};

AuditLog::AuditLog(std::unique_ptr<State> state) : state_(std::move(state)) {}

AuditLog::~AuditLog() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  if (state_->writer.joinable()) state_->writer.join();
}

Result<std::unique_ptr<AuditLog>> AuditLog::open(const std::string& database, AuditOptions options) {
  auto db = Database::open(database, Database::Mode::kWrite);
  if (!db) return tl::unexpected(db.error());
  auto state = std::make_unique<State>();
  state->options = options;
  state->db = std::move(*db);
  if (auto ok = state->prepare(); !ok) return tl::unexpected(ok.error());
  std::unique_ptr<AuditLog> out(new AuditLog(std::move(state)));
  out->state_->writer = std::thread([s = out->state_.get()] { s->run(); });
  return out;
}

void AuditLog::append(const AuditEntry& entry) {
  AuditEntry cut = entry;
  for (const auto& text : kAuditTexts<std::string_view>) cut.*text.member = utf8_prefix(cut.*text.member, kMaxText);
  std::string digest;
  if (entry.raw_arguments) {
    cut.arguments = utf8_prefix(entry.arguments, kMaxArguments);
  } else if (!entry.arguments.empty()) {
    digest = "hmac:" + hex(hmac_sha256(state_->secret, entry.arguments));
    cut.arguments = digest;
  }
  Waiting record{entry.at, encode_fields(cut)};
  const std::scoped_lock lock(state_->mutex);
  if (state_->queue.size() + state_->writing >= 2 * state_->options.queue) {
    ++state_->lost;
    return;
  }
  state_->queue.push_back(std::move(record));
  ++state_->appended;
  if (state_->queue.size() == 1) state_->wake.notify_one();
}

Result<void> AuditLog::flush() {
  std::unique_lock lock(state_->mutex);
  const std::uint64_t target = state_->appended;
  state_->hurry = true;
  state_->wake.notify_one();
  if (state_->written.wait_for(lock, kFlushPatience, [&] { return state_->durable >= target; })) return {};
  if (state_->failure) return tl::unexpected(*state_->failure);
  return fail(ErrorCode::kTimeout, "audit records are not on disk after 10 s", true);
}

Result<void> AuditLog::health() const {
  const std::scoped_lock lock(state_->mutex);
  if (state_->failure) return tl::unexpected(*state_->failure);
  if (state_->queue.size() + state_->writing >= state_->options.queue) {
    return fail(ErrorCode::kUnavailable,
                std::to_string(state_->queue.size() + state_->writing) + " audit records wait for the disk", true);
  }
  return {};
}

std::size_t AuditLog::queued() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->queue.size() + state_->writing;
}

}  // namespace bursar::broker
