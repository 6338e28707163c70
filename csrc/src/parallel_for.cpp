// A plain fork and join over std::jthread: tasks are taken from one counter, so uneven ones balance.
#include "allomatch/parallel_for.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "allomatch/error.hpp"

namespace allomatch {

namespace {
constexpr std::chrono::milliseconds kPatience{20};
}

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

void parallel_for(std::size_t tasks, unsigned threads, const Cancel& cancel,
                  const std::function<void(std::size_t)>& body) {
    const auto workers = static_cast<unsigned>(std::min<std::size_t>(threads, tasks));
    std::atomic<std::size_t> next{0};
    std::atomic<bool> failed{false};
    std::exception_ptr failure;
    std::mutex failure_mutex;
    const auto run = [&](bool calling_thread) {
        try {
            for (std::size_t task = next++; task < tasks && !failed && !cancel.stopped(); task = next++) {
                if (calling_thread) cancel.check();
                body(task);
            }
        } catch (...) {
            const std::lock_guard lock(failure_mutex);
            if (!failure) failure = std::current_exception();
            failed = true;
        }
    };
    {
        std::mutex mutex;
        std::condition_variable ended;
        unsigned running = workers > 0 ? workers - 1 : 0;
        std::vector<std::jthread> pool;
        for (unsigned i = 1; i < workers; ++i) {
            pool.emplace_back([&] {
                run(false);
                const std::lock_guard lock(mutex);
                --running;
                ended.notify_one();
            });
        }
        run(true);
        // The last tasks of others may be long: whoever asks to stop meanwhile is heard.
        std::unique_lock lock(mutex);
        while (running > 0) {
            if (ended.wait_for(lock, kPatience, [&] { return running == 0; })) break;
            lock.unlock();
            try {
                cancel.check();
            } catch (const Error&) {
                failed = true;  // the check at the end says so
            }
            lock.lock();
        }
    }
    if (failure) std::rethrow_exception(failure);
    cancel.check();
}

}  // namespace allomatch
