#include "bursar/broker/identity/keys.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "bursar/broker/audit/database.h"
#include "bursar/broker/audit/digest.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/core/published.h"
#include "bursar/ledger/account.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kIntro = "sk-bursar-";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretLength = kIntro.size() + 43;
constexpr auto kPoll = std::chrono::seconds{1};

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS api_key(name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, hint TEXT NOT NULL,"
    " account TEXT NOT NULL, scopes TEXT NOT NULL, admin INTEGER NOT NULL, created_us INTEGER NOT NULL,"
    " expires_us INTEGER, revoked_us INTEGER)";
constexpr const char* kSelect =
    "SELECT name, hash, hint, account, scopes, admin, created_us, expires_us, revoked_us FROM api_key ORDER BY name";

struct Row {
  KeyInfo info;
  std::string hash;
};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::optional<WallTime> time_or_none(const Query& query, int column) {
  if (query.is_null(column)) return std::nullopt;
  return wall_from_unix_us(query.integer(column));
}

Result<std::vector<Row>> read_rows(Database& db) {
  auto query = db.prepare(kSelect);
  if (!query) return tl::unexpected(query.error());
  std::vector<Row> rows;
  for (;;) {
    const auto more = query->step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return rows;
    rows.push_back({.info = {.name = query->text(0),
                             .account = query->text(3),
                             .scopes = split(query->text(4)),
                             .admin = query->integer(5) != 0,
                             .created = wall_from_unix_us(query->integer(6)),
                             .expires = time_or_none(*query, 7),
                             .revoked = time_or_none(*query, 8),
                             .hint = query->text(2)},
                    .hash = query->text(1)});
  }
}

Result<void> check(const NewKey& key) {
  // The form of a key's name is that of one step of an account path.
  if (key.name.find('/') != std::string::npos || !ledger::check({.path = key.name})) {
    return invalid_argument("name \"" + key.name.substr(0, 64) + "\" must be 1 to 64 of A-Z a-z 0-9 . _ @ -");
  }
  if (auto ok = ledger::check({.path = key.account}); !ok) return tl::unexpected(with_context("account", ok.error()));
  for (const auto& scope : key.scopes) {
    const bool plain = std::ranges::all_of(scope, [](char c) { return c > ' ' && c <= '~'; });
    if (scope.empty() || scope.size() > 128 || !plain) {
      return invalid_argument("scope \"" + scope.substr(0, 64) + "\" must be 1 to 128 visible ASCII characters");
    }
  }
  if (key.scopes.size() > 64) return invalid_argument("scopes: at most 64 are allowed");
  return {};
}

struct Known {
  Sha256 hash;
  Principal principal;
  std::optional<WallTime> expires;
};
// By the first eight bytes of the hash: nobody can choose those without knowing a secret.
using Snapshot = std::unordered_multimap<std::uint64_t, Known>;

std::uint64_t front(const Sha256& hash) {
  std::uint64_t out = 0;
  std::memcpy(&out, hash.data(), sizeof out);
  return out;
}

std::optional<Sha256> from_hex(std::string_view text) {
  Sha256 out{};
  if (text.size() != out.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = std::string_view("0123456789abcdef").find(text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    out[i / 2] = static_cast<std::uint8_t>(out[i / 2] << 4 | digit);
  }
  return out;
}

std::shared_ptr<const Snapshot> snapshot_of(const std::vector<Row>& rows, const std::vector<Known>& local) {
  auto out = std::make_shared<Snapshot>();
  for (const Known& known : local) out->emplace(front(known.hash), known);
  for (const Row& row : rows) {
    const auto hash = from_hex(row.hash);
    if (row.info.revoked || !hash) continue;
    out->emplace(front(*hash), Known{.hash = *hash,
                                     .principal = {.subject = "key:" + row.info.name,
                                                   .account = row.info.account,
                                                   .scopes = row.info.scopes,
                                                   .admin = row.info.admin,
                                                   .until = row.info.expires},
                                     .expires = row.info.expires});
  }
  return out;
}

}  // namespace

struct KeyStore::State {
  const Clock& clock;
  Published<const Snapshot> snapshot;

  mutable std::mutex mutex;  // guards what follows
  std::unique_ptr<Database> db;
  std::int64_t version = 0;
  std::vector<Known> local;
  bool stopping = false;
  std::condition_variable wake;
  std::thread watcher;

  State(const Clock& c, std::unique_ptr<Database> d) : clock(c), db(std::move(d)) {}

  Result<void> read() {
    const auto now = db->data_version();
    if (!now) return tl::unexpected(now.error());
    auto rows = read_rows(*db);
    if (!rows) return tl::unexpected(rows.error());
    snapshot.store(snapshot_of(*rows, local));
    version = *now;
    return {};
  }

  Result<void> read_if_changed() {
    const auto now = db->data_version();
    if (!now) return tl::unexpected(now.error());
    return *now == version ? Result<void>{} : read();
  }

  void watch() {
    std::unique_lock lock(mutex);
    bool failed = false;
    while (!wake.wait_for(lock, kPoll, [&] { return stopping; })) {
      const auto ok = read_if_changed();
      if (!ok && !failed) log(LogLevel::kError, "keys_not_read", {{"why", ok.error().message}});
      failed = !ok;
    }
  }
};

KeyStore::KeyStore(std::unique_ptr<State> state) : state_(std::move(state)) {}

KeyStore::~KeyStore() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  if (state_->watcher.joinable()) state_->watcher.join();
}

Result<std::unique_ptr<KeyStore>> KeyStore::open(const std::string& database, const Clock& clock,
                                                 KeyStoreOptions options) {
  auto db = Database::open(database, Database::Mode::kWrite);
  if (!db) return tl::unexpected(db.error());
  if (auto ok = (*db)->execute(kSchema); !ok) return tl::unexpected(ok.error());
  auto state = std::make_unique<State>(clock, std::move(*db));
  if (auto ok = state->read(); !ok) return tl::unexpected(ok.error());
  std::unique_ptr<KeyStore> store(new KeyStore(std::move(state)));
  if (options.watch) store->state_->watcher = std::thread([s = store->state_.get()] { s->watch(); });
  return store;
}

Result<CreatedKey> KeyStore::create(const NewKey& key) {
  if (auto ok = check(key); !ok) return tl::unexpected(ok.error());
  const std::string random = random_bytes(kSecretBytes);
  if (random.empty()) return fail(ErrorCode::kUnavailable, "the system has no random bytes to give; try again", true);
  CreatedKey out{.secret = std::string(kIntro) + base64url(random),
                 .info = {.name = key.name,
                          .account = key.account,
                          .scopes = key.scopes,
                          .admin = key.admin,
                          .created = state_->clock.now(),
                          .expires = key.expires,
                          .revoked = std::nullopt,
                          .hint = {}}};
  out.info.hint = out.secret.substr(out.secret.size() - 4);
  const std::scoped_lock lock(state_->mutex);
  auto insert = state_->db->prepare(
      "INSERT INTO api_key(name, hash, hint, account, scopes, admin, created_us, expires_us)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  if (!insert) return tl::unexpected(insert.error());
  insert->bind(1, key.name);
  insert->bind(2, hex(sha256(out.secret)));
  insert->bind(3, out.info.hint);
  insert->bind(4, key.account);
  insert->bind(5, joined(key.scopes));
  insert->bind(6, std::int64_t{key.admin});
  insert->bind(7, unix_us(out.info.created));
  if (key.expires) insert->bind(8, unix_us(*key.expires));
  if (auto ok = insert->run(); !ok) {
    if (ok.error().code != ErrorCode::kAlreadyExists) return tl::unexpected(ok.error());
    return fail(ErrorCode::kAlreadyExists, "a key named \"" + key.name + "\" exists, or existed; choose another name");
  }
  if (auto ok = state_->read(); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<KeyInfo> KeyStore::revoke(std::string_view name) {
  const std::scoped_lock lock(state_->mutex);
  auto update = state_->db->prepare("UPDATE api_key SET revoked_us = ?2 WHERE name = ?1 AND revoked_us IS NULL");
  if (!update) return tl::unexpected(update.error());
  update->bind(1, name);
  update->bind(2, unix_us(state_->clock.now()));
  if (auto ok = update->run(); !ok) return tl::unexpected(ok.error());
  if (auto ok = state_->read(); !ok) return tl::unexpected(ok.error());
  const auto rows = read_rows(*state_->db);
  if (!rows) return tl::unexpected(rows.error());
  const auto found = std::ranges::find(*rows, name, [](const Row& row) -> std::string_view { return row.info.name; });
  if (found != rows->end()) return found->info;
  return fail(ErrorCode::kNotFound,
              "no key is named \"" + std::string(name.substr(0, 64)) + "\"; `bursar keys list` shows them");
}

Result<std::vector<KeyInfo>> KeyStore::list() const {
  const std::scoped_lock lock(state_->mutex);
  const auto rows = read_rows(*state_->db);
  if (!rows) return tl::unexpected(rows.error());
  std::vector<KeyInfo> out;
  for (const Row& row : *rows) out.push_back(row.info);
  return out;
}

std::optional<Principal> KeyStore::verify(std::string_view secret) const {
  if (secret.size() != kSecretLength || !secret.starts_with(kIntro)) return std::nullopt;
  const Sha256 hash = sha256(secret);
  const auto snapshot = state_->snapshot.load();
  const auto [begin, end] = snapshot->equal_range(front(hash));
  for (auto it = begin; it != end; ++it) {
    const Known& known = it->second;
    if (!equal_in_constant_time(known.hash, hash)) continue;
    if (known.expires && *known.expires <= state_->clock.now()) return std::nullopt;
    return known.principal;
  }
  return std::nullopt;
}

std::size_t KeyStore::valid_keys() const {
  const auto snapshot = state_->snapshot.load();
  const WallTime now = state_->clock.now();
  return static_cast<std::size_t>(std::ranges::count_if(*snapshot, [&](const auto& k) {
    return !k.second.principal.account.empty() && (!k.second.expires || *k.second.expires > now);
  }));
}

std::string KeyStore::issue_local_admin() {
  const std::string random = random_bytes(kSecretBytes);
  if (random.empty()) return {};
  std::string secret = std::string(kIntro) + base64url(random);
  const std::scoped_lock lock(state_->mutex);
  state_->local.push_back({.hash = sha256(secret),
                           .principal = {.subject = "local", .account = {}, .scopes = {}, .admin = true},
                           .expires = std::nullopt});
  if (!state_->read()) return {};
  return secret;
}

Result<void> KeyStore::refresh() {
  const std::scoped_lock lock(state_->mutex);
  return state_->read_if_changed();
}

Result<std::vector<KeyInfo>> list_keys(const std::string& database) {
  auto db = Database::open(database, Database::Mode::kRead);
  if (!db && db.error().code == ErrorCode::kNotFound) return std::vector<KeyInfo>{};
  if (!db) return tl::unexpected(db.error());
  const auto table = (*db)->has_table("api_key");
  if (!table) return tl::unexpected(table.error());
  if (!*table) return std::vector<KeyInfo>{};
  const auto rows = read_rows(**db);
  if (!rows) return tl::unexpected(rows.error());
  std::vector<KeyInfo> out;
  for (const Row& row : *rows) out.push_back(row.info);
  return out;
}

}  // namespace bursar::broker
