// A fork and join over std::jthread: tasks are taken from one counter, so uneven ones balance.
#include "allomatch/parallel_for.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "allomatch/error.hpp"

namespace allomatch {

namespace {
constexpr std::chrono::milliseconds kPatience{20};
constexpr std::chrono::microseconds kAwake{50};  // longer than the steps of a search that one thread does alone

// Waits a moment for what another thread is about to do; says whether it did.
template <typename Done>
bool awaited(Done done) {
    const auto end = std::chrono::steady_clock::now() + kAwake;
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::yield();
    }
    return true;
}
}  // namespace

void Cancel::check() const {
    if (poll_ && !stopped() && std::this_thread::get_id() == asking_) {
        const auto now =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
                .count();
        if (now < next_poll_.load(std::memory_order_relaxed)) return;
        next_poll_.store(now + kPatience.count(), std::memory_order_relaxed);
        if (poll_()) stopped_.store(true, std::memory_order_relaxed);
    }
    if (stopped()) throw Error(ErrorCode::Interrupted, "interrupted; nothing was written, call again to start over");
}

unsigned thread_count(unsigned wanted) noexcept {
    return wanted != 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
}

struct Crew::Work {
    std::size_t tasks;
    const Cancel& cancel;
    const std::function<void(std::size_t)>& body;
    std::atomic<std::size_t> next{0};
    std::atomic<bool> failed{false};
    std::mutex mutex;  // for `failure`
    std::exception_ptr failure;

    void run(bool calling_thread) noexcept {
        try {
            for (std::size_t task = next++; task < tasks && !failed && !cancel.stopped(); task = next++) {
                if (calling_thread) cancel.check();
                body(task);
            }
        } catch (...) {
            const std::lock_guard lock(mutex);
            if (!failure) failure = std::current_exception();
            failed = true;
        }
    }
};

Crew::Crew(unsigned threads) noexcept : threads_(threads), process_(getpid()) {}

bool Crew::made_here() const noexcept {
    return process_ == getpid();
}

Crew::~Crew() {
    if (!made_here()) {
        // There is nobody to be told or waited for; and who held the lock may be gone too.
        static_cast<void>(std::make_unique<std::vector<std::jthread>>(std::move(helpers_)).release());
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
        ++calls_;
    }
    calls_.notify_all();
}

void Crew::help() {
    for (std::uint32_t seen = 0;;) {
        if (!awaited([&] { return calls_ != seen; })) calls_.wait(seen);
        Work* work = nullptr;
        {
            const std::lock_guard lock(mutex_);
            if (over_) return;
            seen = calls_;
            work = work_;
            if (work == nullptr) continue;  // the others were faster
            ++helping_;
        }
        work->run(false);
        const std::lock_guard lock(mutex_);
        --helping_;
        nobody_helps_.notify_one();
    }
}

void Crew::parallel_for(std::size_t tasks, const Cancel& cancel, const std::function<void(std::size_t)>& body) {
    Work work{tasks, cancel, body, {}, {}, {}, {}};
    if (threads_ > 1 && tasks > 1) {
        while (helpers_.size() + 1 < std::min<std::size_t>(threads_, tasks)) helpers_.emplace_back([this] { help(); });
        {
            const std::lock_guard lock(mutex_);
            work_ = &work;
            ++calls_;
        }
        calls_.notify_all();
    }
    work.run(true);
    {
        const std::lock_guard lock(mutex_);
        work_ = nullptr;  // who has not begun yet is not waited for
    }
    if (!awaited([&] { return helping_ == 0; })) {
        // The last tasks of others may be long: whoever asks to stop meanwhile is heard.
        std::unique_lock lock(mutex_);
        while (!nobody_helps_.wait_for(lock, kPatience, [&] { return helping_ == 0; })) {
            lock.unlock();
            try {
                cancel.check();
            } catch (const Error&) {
                work.failed = true;  // the check at the end says so
            }
            lock.lock();
        }
    }
    if (work.failure) std::rethrow_exception(work.failure);
    cancel.check();
}

KeptCrew::Lease KeptCrew::take(unsigned threads) {
    // Never waits: a lock that was taken when the process was forked is never released.
    if (const std::unique_lock lock(mutex_, std::try_to_lock); lock && crew_ != nullptr) {
        if (crew_->threads() == threads && crew_->made_here()) return {crew_.release(), {this}};
    }
    return {std::make_unique<Crew>(threads).release(), {this}};
}

void KeptCrew::keep(std::unique_ptr<Crew> crew) noexcept {
    if (const std::unique_lock lock(mutex_, std::try_to_lock); lock) crew_.swap(crew);
}  // the other one ends

void parallel_for(std::size_t tasks, unsigned threads, const Cancel& cancel,
                  const std::function<void(std::size_t)>& body) {
    Crew(threads).parallel_for(tasks, cancel, body);
}

}  // namespace allomatch
