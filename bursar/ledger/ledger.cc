#include "bursar/ledger/ledger.h"

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "bursar/core/utc_text.h"
#include "bursar/ledger/engine.h"

namespace bursar::ledger {
namespace {

constexpr std::chrono::milliseconds kIdleWait{100};  // leases and windows are looked at this often when nothing happens
constexpr std::chrono::milliseconds kRetryWait{100};  // between tries while the store fails

}  // namespace

// ---- Refusal ----

Error Refusal::to_error() const {
  switch (why) {
    case Why::kFrozen:
      return {.code = ErrorCode::kExhausted, .message = "account " + account + " is frozen; ask its owner to thaw it"};
    case Why::kUnknownAccount:
      return {.code = ErrorCode::kNotFound, .message = "account " + account + " does not exist"};
    case Why::kStoreUnavailable:
      return {.code = ErrorCode::kUnavailable,
              .message = "account " + account + " cannot be charged now: " + detail,
              .retryable = true,
              .retry_after = std::chrono::milliseconds{1000}};
    case Why::kKeyConflict:
      return {.code = ErrorCode::kAlreadyExists,
              .message = "the idempotency key was used for account " + account +
                         " with other amounts; repeat them, or choose a new key"};
    case Why::kInvalid: return {.code = ErrorCode::kInvalidArgument, .message = detail};
    case Why::kLimit: break;
  }
  Error error{.code = ErrorCode::kExhausted};
  error.message = "account " + account + " has " + to_string(Amount{resource, left}) + " left of " +
                  to_string(Amount{resource, limit}) + " (window " + to_string(window) + "), and " +
                  to_string(Amount{resource, asked}) + " was asked";
  if (asked > limit) {
    error.message += "; that is more than the whole limit, so it never fits";
  } else if (refills_at) {
    error.message += "; it refills at " + utc_text(*refills_at);
    error.retryable = true;
  } else {
    error.message += "; it does not refill by itself";
  }
  return error;
}

// ---- Hold ----

Hold::Hold(Hold&& other) noexcept
    : engine_(std::move(other.engine_)),
      id_(std::exchange(other.id_, 0)),
      slot_(other.slot_),
      amounts_(other.amounts_) {}

Hold& Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  if (engine_) engine_->drop(id_, slot_);
  engine_ = std::move(other.engine_);
  id_ = std::exchange(other.id_, 0);
  slot_ = other.slot_;
  amounts_ = other.amounts_;
  return *this;
}

Hold::~Hold() {
  if (engine_) engine_->drop(id_, slot_);
}

bool Hold::active() const { return engine_ && engine_->active(id_, slot_); }
HoldId Hold::id() const { return id_; }
const Amounts& Hold::amounts() const { return amounts_; }

Result<Receipt> Hold::settle(Settlement settlement) {
  if (!engine_) return fail(ErrorCode::kNotFound, "the hold is empty: it was moved from, or never reserved");
  return engine_->settle(id_, slot_, std::move(settlement));
}

void Hold::release() {
  if (engine_) engine_->release(id_, slot_);
}

Result<void> Hold::extend(Duration ttl) {
  if (!engine_) return fail(ErrorCode::kNotFound, "the hold is empty: it was moved from, or never reserved");
  return engine_->extend(id_, slot_, ttl);
}

// ---- Ledger ----

// The thread that turns the engine's slow side.
class Ledger::Writer {
 public:
  Writer(Engine& engine, Duration group) : engine_(engine), group_(group) {
    engine_.set_waker([this](bool urgent) { wake(urgent); });
    thread_ = std::thread([this] { run(); });
  }
  ~Writer() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
    engine_.close(true);
  }

 private:
  void wake(bool urgent) {
    {
      const std::lock_guard lock(mutex_);
      (urgent ? urgent_ : work_) = true;
    }
    changed_.notify_one();
  }

  void run() {
    std::unique_lock lock(mutex_);
    bool failing = false, waiting = false;
    while (!stop_) {
      if (failing) {
        changed_.wait_for(lock, kRetryWait, [&] { return stop_; });
      } else if (!urgent_ && !waiting) {
        engine_.set_idle(true);
        changed_.wait_for(lock, kIdleWait, [&] { return stop_ || urgent_ || work_; });
        engine_.set_idle(false);
        if (!urgent_ && !stop_) changed_.wait_for(lock, group_, [&] { return stop_ || urgent_; });
      }
      urgent_ = work_ = false;
      lock.unlock();
      engine_.pump();
      failing = engine_.failing();
      waiting = engine_.has_waiting();
      lock.lock();
    }
  }

  Engine& engine_;
  const Duration group_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false, urgent_ = false, work_ = false;
  std::thread thread_;
};

Ledger::Ledger(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(std::unique_ptr<Store> store, const Clock& clock, LedgerOptions options) {
  auto engine = Engine::open(std::move(store), clock, options);
  if (!engine) return tl::unexpected(engine.error());
  std::unique_ptr<Ledger> ledger(new Ledger(std::move(*engine)));
  ledger->writer_ = std::make_unique<Writer>(*ledger->engine_, options.group_commit);
  return ledger;
}

namespace {

// Calls `start` with a callback and waits for it.
template <class T, class Start>
T wait_for(Start&& start) {
  auto promise = std::make_shared<std::promise<T>>();
  auto future = promise->get_future();
  start([promise](T value) { promise->set_value(std::move(value)); });
  return future.get();
}

}  // namespace

Result<void> Ledger::put_account(const AccountSpec& spec) {
  return wait_for<Result<void>>([&](auto done) { engine_->put_account(spec, std::move(done)); });
}

Result<void> Ledger::freeze(std::string_view account, bool frozen) {
  return wait_for<Result<void>>([&](auto done) { engine_->freeze(account, frozen, std::move(done)); });
}

Result<std::vector<Standing>> Ledger::forgive_stranded(std::string_view account) {
  return wait_for<Result<std::vector<Standing>>>([&](auto done) { engine_->forgive(account, std::move(done)); });
}

Result<AccountSpec> Ledger::account(std::string_view path) const { return engine_->account(path); }
std::vector<AccountSpec> Ledger::accounts() const { return engine_->accounts(); }

Reservation Ledger::try_reserve(const ReserveRequest& request) { return engine_->try_reserve(request); }

void Ledger::reserve(ReserveRequest request, std::function<void(Reservation)> done) {
  engine_->reserve(std::move(request), std::move(done));
}

Reservation Ledger::reserve_blocking(const ReserveRequest& request, Duration patience) {
  auto promise = std::make_shared<std::promise<Reservation>>();
  auto future = promise->get_future();
  engine_->reserve(request, [promise](Reservation r) { promise->set_value(std::move(r)); });
  // A hold that comes after we left is dropped with the promise, and so released.
  if (future.wait_for(patience) == std::future_status::ready) return future.get();
  return Refusal{.why = Refusal::Why::kStoreUnavailable,
                 .account = request.account,
                 .detail = "the store did not answer within " + std::to_string(patience.count() / 1000) + " ms"};
}

void Ledger::expire() { engine_->expire(); }

Result<void> Ledger::flush() {
  return wait_for<Result<void>>([&](auto done) { engine_->flush(std::move(done)); });
}

std::vector<Standing> Ledger::standing(std::string_view under) const { return engine_->standing(under); }

Result<std::vector<Receipt>> Ledger::receipts(std::string_view under, WallTime from, WallTime to,
                                              std::size_t limit) const {
  return engine_->receipts({.under = std::string(under), .from = from, .to = to, .limit = limit});
}

Result<void> Ledger::health() const { return engine_->health(); }

}  // namespace bursar::ledger
