// Aligned memory, and threads: to deal work to, or to share the steps of one network.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "network.hpp"

namespace trainlab {

constexpr std::size_t LINE = 64;                     // bytes that arrays are aligned to

// Asks for huge pages within memory: parameters lie on thousands of small ones, of which a
// processor knows a few dozen at a time.
inline void use_huge_pages([[maybe_unused]] char* at, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__)
    constexpr std::uintptr_t page = std::uintptr_t{1} << 21;
    const auto first = (reinterpret_cast<std::uintptr_t>(at) + page - 1) & ~(page - 1);
    const auto end = (reinterpret_cast<std::uintptr_t>(at) + bytes) & ~(page - 1);
    if (first < end) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#endif
}

// Memory that is aligned, and not initialised.
class Memory {
  public:
    Memory() = default;
    explicit Memory(std::size_t bytes)
        : at_(static_cast<char*>(::operator new(bytes ? bytes : 1, std::align_val_t{LINE}))),
          bytes_(bytes) {
        use_huge_pages(at(), bytes);
    }

    char* at() const { return at_.get(); }
    std::size_t bytes() const { return bytes_; }
    void reserve(std::size_t bytes) {
        if (bytes > bytes_) *this = Memory(bytes);
    }

  private:
    struct Delete {
        void operator()(char* at) const { ::operator delete(at, std::align_val_t{LINE}); }
    };
    std::unique_ptr<char, Delete> at_;
    std::size_t bytes_ = 0;
};

// Calls loop(thread) on so many threads, this one among them, or on fewer where there are no more.
template <class Loop>
void on_threads(std::int64_t threads, const Loop& loop) {
    std::vector<std::thread> others;
    others.reserve(static_cast<std::size_t>(threads));
    try {
        for (std::int64_t thread = 1; thread < threads; ++thread) others.emplace_back(loop, thread);
    } catch (const std::system_error&) {
        // Those that there are do all of it.
    }
    loop(std::int64_t{0});
    for (std::thread& other : others) other.join();
}

// Calls work(part, thread) for all parts.
template <class Work>
void run(std::int64_t parts, std::int64_t threads, const Work& work) {
    std::atomic<std::int64_t> next{0};
    on_threads(threads < parts ? threads : parts, [&](std::int64_t thread) {
        for (std::int64_t part; (part = next++) < parts;) work(part, thread);
    });
}

// Parts of equal rounds, dealt one after the other.  The last round may be brought forward.
class Rounds {
  public:
    Rounds(std::int64_t count, std::int64_t parts) : parts_(parts), end_(count * parts) {}

    // The number of the next part, or -1.
    std::int64_t take() {
        const std::lock_guard<std::mutex> held(mutex_);
        return next_ < end_ ? next_++ : -1;
    }
    // Begins no more of them.
    void stop() {
        const std::lock_guard<std::mutex> held(mutex_);
        end_ = (next_ + parts_ - 1) / parts_ * parts_;
    }
    // How many there have been, once all parts are done.
    std::int64_t count() const { return end_ / parts_; }

  private:
    std::mutex mutex_;
    const std::int64_t parts_;
    std::int64_t next_ = 0, end_;
};

// Where the threads of a team wait for each other: some turns of a loop, and then they sleep, so
// that one of them that has lost its core to another program finds another core.
class Barrier {
  public:
    explicit Barrier(std::int64_t size) : size_(size) {}

    static void wait(void* barrier) { static_cast<Barrier*>(barrier)->wait(); }

  private:
    void wait() {
        const int turn = turn_.load(std::memory_order_acquire);
        if (waiting_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
            waiting_.store(0, std::memory_order_relaxed);
            turn_.store(turn + 1, std::memory_order_release);
            turn_.notify_all();
            return;
        }
        for (int spins = 0; spins < PATIENCE; ++spins)
            if (turn_.load(std::memory_order_acquire) != turn) return;
        while (turn_.load(std::memory_order_acquire) == turn) turn_.wait(turn);
    }

    static constexpr int PATIENCE = 2000;
    std::atomic<std::int64_t> waiting_{0};
    std::atomic<int> turn_{0};
    const std::int64_t size_;
};

// Calls work(team) on so many threads at the same time, or on fewer where there are no more.
template <class Work>
void run_team(std::int64_t threads, const Work& work) {
    std::atomic<Barrier*> common{nullptr};
    std::atomic<std::int64_t> size{0};
    const auto join_in = [&](std::int64_t place) {
        Barrier* barrier;
        while (!(barrier = common.load(std::memory_order_acquire))) std::this_thread::yield();
        work(Team{place, size.load(std::memory_order_relaxed), Barrier::wait, barrier});
    };
    std::vector<std::thread> others;
    others.reserve(static_cast<std::size_t>(threads));
    try {
        for (std::int64_t place = 1; place < threads; ++place) others.emplace_back(join_in, place);
    } catch (const std::system_error&) {
        // As above.
    }
    Barrier barrier(static_cast<std::int64_t>(others.size()) + 1);
    size.store(static_cast<std::int64_t>(others.size()) + 1, std::memory_order_relaxed);
    common.store(&barrier, std::memory_order_release);
    join_in(0);
    for (std::thread& other : others) other.join();
}

}  // namespace trainlab
