#include "bursar/broker/oauth/accounts.h"

#include "bursar/broker/audit/digest.h"
#include "bursar/broker/telemetry/log.h"

namespace bursar::broker::oauth {
namespace {

constexpr std::size_t kWaitingForTheDisk = 1024;

}  // namespace

Accounts::Accounts(Dependencies d)
    : services_(std::make_shared<AccountServices>(
          AccountServices{.clock = *d.clock,
                          .fetch = std::move(d.fetch),
                          .random = [](std::size_t count) { return random_bytes(count); },
                          .redirect_uri = std::move(d.redirect_uri),
                          .keep = [this](const Party& party, const std::optional<SignedIn>& s) { keep(party, s); },
                          .signed_in = std::move(d.signed_in)})) {}

Accounts::~Accounts() { stop(); }

void Accounts::open(Vault vault) { vault_ = std::make_shared<const Vault>(std::move(vault)); }

std::shared_ptr<UpstreamCredential> Accounts::credential(const UpstreamConfig& upstream) {
  if (!may_sign_in(upstream)) return nullptr;
  const Party party = party_of(upstream);
  const std::scoped_lock lock(mutex_);
  if (const auto found = accounts_.find(party.name); found != accounts_.end() && found->second->party() == party) {
    return found->second;
  }
  auto account = UpstreamAccount::make(party, services_, vault_ ? vault_->read(party) : std::nullopt);
  coming_[party.name] = account;
  return account;
}

void Accounts::adopt(const std::vector<UpstreamConfig>& upstreams) {
  Map next, gone;
  {
    const std::scoped_lock lock(mutex_);
    for (const UpstreamConfig& upstream : upstreams) {
      if (!may_sign_in(upstream)) continue;
      const Party party = party_of(upstream);
      for (const Map* known : {&accounts_, &coming_}) {
        const auto found = known->find(party.name);
        if (found != known->end() && found->second->party() == party) next[party.name] = found->second;
      }
    }
    gone.swap(accounts_);
    accounts_ = next;
    coming_.clear();
  }
  for (const auto& [name, account] : gone) {
    const auto kept = next.find(name);
    if (kept == next.end() || kept->second != account) account->close();
  }
}

void Accounts::tick() {
  Map accounts;
  {
    const std::scoped_lock lock(mutex_);
    accounts = accounts_;
  }
  for (const auto& [name, account] : accounts) account->tick();
}

void Accounts::stop() {
  Map accounts;
  std::unique_ptr<Workers> writer;
  {
    const std::scoped_lock lock(mutex_);
    accounts.swap(accounts_);
    coming_.clear();
    writer.swap(writer_);
    stopped_ = true;
  }
  for (const auto& [name, account] : accounts) account->close();
  writer.reset();
  if (vault_) write();  // what it had not come to
}

std::shared_ptr<UpstreamAccount> Accounts::find(std::string_view upstream) const {
  const std::scoped_lock lock(mutex_);
  const auto found = accounts_.find(upstream);
  return found == accounts_.end() ? nullptr : found->second;
}

std::vector<SignInStatus> Accounts::status() const {
  Map accounts;
  {
    const std::scoped_lock lock(mutex_);
    accounts = accounts_;
  }
  std::vector<SignInStatus> out;
  for (const auto& [name, account] : accounts) out.push_back(account->status());
  return out;
}

// Whose state it is, only the account knows; a foreign one changes nothing there.
void Accounts::come_back(const std::string& target, std::function<void(Result<std::string>)> done) {
  Map accounts;
  {
    const std::scoped_lock lock(mutex_);
    accounts = accounts_;
  }
  for (const auto& [name, account] : accounts) {
    if (!account->expects(target)) continue;
    return account->come_back(target, [done = std::move(done), name = name](const Result<void>& over) {
      done(over ? Result<std::string>(name) : Result<std::string>(tl::unexpected(over.error())));
    });
  }
  done(fail(ErrorCode::kNotFound, "this sign-in is not known, or is over; begin again"));
}

void Accounts::keep(const Party& party, const std::optional<SignedIn>& signed_in) {
  if (!vault_) return;
  {
    const std::scoped_lock lock(mutex_);
    unwritten_.insert_or_assign(party.name, Unwritten{party, signed_in});
    if (!stopped_) {
      if (!writer_) writer_ = std::make_unique<Workers>(1, kWaitingForTheDisk);
      (void)writer_->post([this] { write(); });  // a full queue has it in it
      return;
    }
  }
  write();
}

void Accounts::write() {
  const std::scoped_lock writing(writing_);
  std::map<std::string, Unwritten> all;
  {
    const std::scoped_lock lock(mutex_);
    all.swap(unwritten_);
  }
  for (const auto& [name, what] : all) {
    const auto kept = what.signed_in ? vault_->keep(what.party, *what.signed_in) : vault_->forget(what.party);
    if (!kept) log(LogLevel::kError, "sign_in_not_kept", {{"upstream", name}, {"why", kept.error().message}});
  }
}

std::string redirect_uri_of(const Party& party, const std::string& resource, const std::string& gateway) {
  if (!party.oauth.redirect_url.empty()) return party.oauth.redirect_url;
  std::string origin = origin_of(resource);
  if (origin.empty()) origin = gateway;
  for (const std::string_view any : {"0.0.0.0", "[::]"}) {
    const std::size_t at = origin.find("://");
    if (at != std::string::npos && std::string_view(origin).substr(at + 3).starts_with(any)) {
      origin.replace(at + 3, any.size(), "127.0.0.1");
    }
  }
  return origin + "/oauth/callback";
}

}  // namespace bursar::broker::oauth
