// Members in training: how their steps are dealt to threads.
//
// Nothing here knows Python.  Every size has been checked by module.cpp.

#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "kernels.hpp"
#include "members.hpp"
#include "threads.hpp"

namespace trainlab {

constexpr std::int64_t TILE = 256;                   // rows that are evaluated at a time
constexpr std::size_t GATHERED = std::size_t{1} << 20;  // bytes of batches brought together ahead
constexpr std::int64_t AHEAD = 16;  // steps that they are at most
constexpr double BLOCK_SECONDS = 0.1;  // between two looks for an interruption
constexpr double USUAL_PACE = 2e-10;  // seconds of a multiplication, and all that goes with it
constexpr double SPREAD = 2e7;  // multiplications worth another thread
constexpr std::int64_t NARROW = 16;  // columns for which lists pay below a density of
constexpr double SPARSE_NARROW = 0.1;
constexpr double SHARED = 2e6;  // those of a step worth a team of them

template <class T>
class Lane {
  public:
    explicit Lane(Members<T> members) : members_(std::move(members)), set_(*instruction_set()) {}

    Members<T>& members() { return members_; }
    const Members<T>& members() const { return members_; }

    // Steps until all are done or `interrupted`, which is asked before the first and then every
    // BLOCK_SECONDS; returns how many are done.  batches (seeds, steps, batch).
    std::int64_t train(const Rows<T>& given, const std::int64_t* batches, std::int64_t batch,
                       Training<T> training, std::int64_t threads,
                       const std::function<bool()>& interrupted) {
        const Rows<T> rows = with_lists_that_pay(given, batch);
        training.network = &network();
        const std::int64_t steps = training.steps;
        for (std::int64_t k = 0; k < size(); ++k) training.diverged[k] = -1;
        const double cost = 3.0 * static_cast<double>(network().params * batch * size());
        if (cost * static_cast<double>(steps) < SPREAD) threads = 1;
        prepare(rows, batch, threads, true);
        members_.reserve_snapshots();
        const Call call{rows, batches, batch, training, threads, interrupted};
        std::int64_t done = 0;
        for (bool goes_on = true; done < steps && goes_on;) {
            const double pace = pace_ > 0 ? pace_ : USUAL_PACE;
            const auto block = static_cast<std::int64_t>(BLOCK_SECONDS / (pace * cost)) + 1;
            const auto before = std::chrono::steady_clock::now();
            const std::int64_t first = done;
            if (gathers_for_all(call)) {
                done = std::min(first + block, steps);
                train_block(call, first, done);
                goes_on = !(done < steps && interrupted());
            } else {
                // How long a block takes is known after the first one.
                const std::int64_t last = pace_ > 0 ? steps : std::min(first + block, steps);
                done = train_seeds(call, first, last, block);
                goes_on = done == last;
            }
            const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - before;
            pace_ = (taken.count() + 1e-9) / (cost * static_cast<double>(done - first));
        }
        return done;
    }

    // loss, right (members): sums over all rows, weights included.
    void evaluate(const Rows<T>& rows, std::int64_t threads, double* loss, double* right) {
        const std::int64_t tiles = (rows.count + TILE - 1) / TILE;
        std::vector<double> parts(static_cast<std::size_t>(2 * tiles * size()));
        over_tiles(rows, threads,
                   [&](std::int64_t tile, std::int64_t k, const Batch<T>& batch, char* scratch) {
                       double* sums = &parts[static_cast<std::size_t>(2 * (tile * size() + k))];
                       kernels().evaluate(network(), members_[k], batch, sums[0], sums[1], scratch);
                   });
        for (std::int64_t k = 0; k < size(); ++k) {
            loss[k] = right[k] = 0;
            for (std::int64_t tile = 0; tile < tiles; ++tile) {
                loss[k] += parts[static_cast<std::size_t>(2 * (tile * size() + k))];
                right[k] += parts[static_cast<std::size_t>(2 * (tile * size() + k) + 1)];
            }
        }
    }

    // The same of one batch (seeds, batch).
    void evaluate_batch(const Rows<T>& given, const std::int64_t* chosen, std::int64_t batch,
                        double* loss, double* right) {
        const Rows<T> rows = with_lists_that_pay(given, batch);
        prepare(rows, batch, 1, false);
        for (std::int64_t k = 0; k < size(); ++k) {
            Batch<T> own;
            kernels().gather(rows, chosen + members_[k].seed_place * batch, 0, batch, false, own,
                             spares_[0].at());
            loss[k] = right[k] = 0;
            kernels().evaluate(network(), members_[k], own, loss[k], right[k], scratch_[0].at());
        }
    }

    // out (members, rows, outputs).
    void outputs(const Rows<T>& rows, std::int64_t threads, T* out) {
        over_tiles(rows, threads,
                   [&](std::int64_t tile, std::int64_t k, const Batch<T>& batch, char* scratch) {
                       T* at = out + (k * rows.count + tile * TILE) * network().outputs;
                       kernels().outputs(network(), members_[k], batch, at, scratch);
                   });
    }

  private:
    struct Call {
        const Rows<T>& rows;
        const std::int64_t* batches;
        std::int64_t batch;
        const Training<T>& training;
        std::int64_t threads;
        const std::function<bool()>& interrupted;
    };

    const Kernels<T>& kernels() const {
        if constexpr (sizeof(T) == sizeof(float))
            return set_.of_float;
        else
            return set_.of_double;
    }

    // The rows, as a matrix where lists do not pay, since what they are multiplied with has few
    // columns, or where those of a batch would be too long for their 32 bits.
    Rows<T> with_lists_that_pay(Rows<T> rows, std::int64_t batch) const {
        constexpr std::int64_t most = (std::int64_t{1} << 31) - 1;
        if (rows.longest > 0 && batch > most / rows.longest) rows.is_sparse = false;
        if (network().layers[0].outputs <= NARROW && rows.density > SPARSE_NARROW)
            rows.is_sparse = false;
        return rows;
    }

    // Scratch memory for every thread, and memory for batches.
    void prepare(const Rows<T>& rows, std::int64_t batch, std::int64_t threads, bool training) {
        batch_bytes_ = (kernels().batch_bytes(rows, batch) + LINE - 1) / LINE * LINE;
        scratch_.resize(std::max(scratch_.size(), static_cast<std::size_t>(threads)));
        batches_.resize(scratch_.size());
        for (std::int64_t thread = 0; thread < threads; ++thread)
            scratch_[thread].reserve(kernels().scratch_bytes(network(), batch, training));
        spares_.resize(scratch_.size());
        for (std::int64_t thread = 0; thread < threads; ++thread)
            spares_[thread].reserve(batch_bytes_);
    }
    // Memory of so many threads for so many batches.
    void reserve_batches(std::int64_t count, std::int64_t threads) {
        for (std::int64_t thread = 0; thread < threads; ++thread)
            batches_[thread].reserve(batch_bytes_ * static_cast<std::size_t>(count));
    }
    char* batch_memory(std::int64_t thread, std::int64_t place) const {
        return batches_[thread].at() + batch_bytes_ * static_cast<std::size_t>(place);
    }

    // Whether batches are brought together for all members at first, since seeds are few, else each
    // thread brings together those of the seed that it is at.
    bool gathers_for_all(const Call& call) const {
        const std::int64_t per_seed = (size() + seed_count() - 1) / seed_count();
        return can_share(call) ||
               (call.threads > 1 && per_seed > 1 && seed_count() < 4 * call.threads);
    }

    std::int64_t fitting() const { return static_cast<std::int64_t>(GATHERED / batch_bytes_); }

    void train_block(const Call& call, std::int64_t first, std::int64_t last) {
        const bool is_shared = can_share(call);
        std::int64_t ahead = std::clamp(4 * fitting() / seed_count(), std::int64_t{1}, AHEAD);
        if (is_shared) ahead = std::clamp(call.threads, ahead, AHEAD);
        reserve_batches(ahead * seed_count(), 1);
        std::vector<Batch<T>> batches(static_cast<std::size_t>(ahead * seed_count()));
        for (std::int64_t from = first; from < last; from += ahead) {
            const std::int64_t to = std::min(from + ahead, last), count = to - from;
            run(count * seed_count(), call.threads, [&](std::int64_t part, std::int64_t) {
                gather(call, part / count, from + part % count, batches[part],
                       batch_memory(0, part));
            });
            const auto own = [&](std::int64_t k) {
                return &batches[members_[k].seed_place * count];
            };
            if (is_shared) {
                for (std::int64_t k = 0; k < size(); ++k)
                    train_member(call, k, own(k), from, to, 0, call.threads);
            } else {
                run(size(), call.threads, [&](std::int64_t k, std::int64_t thread) {
                    train_member(call, k, own(k), from, to, thread, 1);
                });
            }
        }
    }

    // Steps first ... last - 1, or fewer where it is interrupted; returns how many are done by
    // then. The members of each seed train for a block of steps, round after round.  Threads do not
    // wait for the end of a round, but for that of the seed that is next.
    std::int64_t train_seeds(const Call& call, std::int64_t first, std::int64_t last,
                             std::int64_t block) {
        Rounds rounds((last - first + block - 1) / block, seed_count());
        std::vector<std::atomic<std::int64_t>> done(static_cast<std::size_t>(seed_count()));
        std::exception_ptr error;
        bool asks = true;  // whether it is interrupted, until it is
        auto looked = std::chrono::steady_clock::now();
        reserve_batches(own_ahead(), call.threads);
        on_threads(std::min(call.threads, seed_count()), [&](std::int64_t thread) {
            for (std::int64_t part; (part = rounds.take()) >= 0;) {
                const std::int64_t round = part / seed_count(), seed = part % seed_count();
                const std::int64_t from = first + round * block;
                while (done[seed].load(std::memory_order_acquire) < round)
                    std::this_thread::yield();
                train_seed(call, seed, from, std::min(from + block, last), thread);
                done[seed].store(round + 1, std::memory_order_release);
                if (thread != 0 || !asks) continue;
                const auto now = std::chrono::steady_clock::now();
                const std::chrono::duration<double> since = now - looked;
                if (since.count() < BLOCK_SECONDS / 2) continue;
                looked = now;
                try {
                    asks = !call.interrupted();
                } catch (...) {
                    error = std::current_exception();
                    asks = false;
                }
                if (!asks) rounds.stop();
            }
        });
        if (error) std::rethrow_exception(error);
        return std::min(first + rounds.count() * block, last);
    }

    std::int64_t own_ahead() const {
        return size() == seed_count() ? 1 : std::clamp(fitting(), std::int64_t{1}, AHEAD);
    }

    void train_seed(const Call& call, std::int64_t seed, std::int64_t first, std::int64_t last,
                    std::int64_t thread) {
        Batch<T> batches[AHEAD];
        const std::int64_t ahead = own_ahead();
        for (std::int64_t from = first; from < last; from += ahead) {
            const std::int64_t to = std::min(from + ahead, last);
            for (std::int64_t step = from; step < to; ++step)
                gather(call, seed, step, batches[step - from], batch_memory(thread, step - from));
            for (const std::int64_t k : members_.of_seed(seed))
                train_member(call, k, batches, from, to, thread, 1);
            fetch(seed + call.threads, from - first, to - first, last - first);
        }
    }

    // Has a part of the next member brought into the caches, from ... to of `whole`, so that it
    // does not wait for its memory when it is its turn.
    void fetch(std::int64_t seed, std::int64_t from, std::int64_t to, std::int64_t whole) const {
        if (seed >= seed_count() || members_.of_seed(seed).size() != 1) return;
        const std::int64_t k = members_.of_seed(seed).front();
        const auto lines = static_cast<std::int64_t>(members_.bytes(k) / LINE);
        const char* at = members_.memory(k);
        for (std::int64_t line = lines * from / whole; line < lines * to / whole; ++line)
            __builtin_prefetch(at + line * static_cast<std::int64_t>(LINE), 1, 2);
    }

    void gather(const Call& call, std::int64_t seed, std::int64_t step, Batch<T>& batch,
                char* memory) const {
        const std::int64_t* chosen =
            call.batches + (seed * call.training.steps + step) * call.batch;
        kernels().gather(call.rows, chosen, 0, call.batch, true, batch, memory);
    }

    // Whether all threads share the steps of one member after the other: there are more threads
    // than members, and these are large.
    bool can_share(const Call& call) const {
        return call.threads > size() &&
               static_cast<double>(network().params * call.batch) >= SHARED;
    }

    void train_member(const Call& call, std::int64_t k, const Batch<T>* batches, std::int64_t first,
                      std::int64_t last, std::int64_t thread, std::int64_t team) {
        if (call.training.diverged[k] >= 0) return;
        if (first == 0) members_.save(k);
        const Kernels<T>& own = kernels();
        char* scratch = scratch_[thread].at();
        bool is_good = true;
        if (team > 1)
            run_team(team, [&](const Team& each) {
                const bool found = own.train(call.training, members_[k], k, batches, first, last,
                                             scratch_[each.place].at(), scratch, each);
                if (each.place == 0) is_good = found;
            });
        else
            is_good = own.train(call.training, members_[k], k, batches, first, last, scratch,
                                scratch, ALONE);
        if (is_good) return;
        // Back to the parameters from before the step that made one of them infinite.
        members_.restore(k);
        const std::int64_t steps = call.training.diverged[k];
        Batch<T> batch;
        for (std::int64_t step = 0; step < steps; ++step) {
            gather(call, members_[k].seed_place, step, batch, spares_[thread].at());
            call.training.diverged[k] = -1;
            own.train(call.training, members_[k], k, &batch, step, step + 1, scratch, scratch,
                      ALONE);
        }
        call.training.diverged[k] = steps;
    }

    // Calls work(tile, k, batch, scratch) for all tiles of the rows and all members.  Some tiles
    // are brought together at a time, for all members.  A member does them one after the other, so
    // that its parameters stay in the caches, unless members are too few to be dealt to the
    // threads.
    template <class Work>
    void over_tiles(const Rows<T>& given, std::int64_t threads, const Work& work) {
        const Rows<T> rows = with_lists_that_pay(given, TILE);
        const std::int64_t tiles = (rows.count + TILE - 1) / TILE;
        const double cost = static_cast<double>(network().params * rows.count * size());
        if (cost < SPREAD) threads = 1;
        prepare(rows, TILE, threads, false);
        const auto fitting = static_cast<std::int64_t>(8 * GATHERED / batch_bytes_);
        const std::int64_t ahead = std::min(tiles, std::max(fitting, threads));
        reserve_batches(ahead, 1);
        std::vector<Batch<T>> batches(static_cast<std::size_t>(ahead));
        for (std::int64_t from = 0; from < tiles; from += ahead) {
            const std::int64_t count = std::min(ahead, tiles - from);
            run(count, threads, [&](std::int64_t place, std::int64_t) {
                const std::int64_t first = (from + place) * TILE;
                kernels().gather(rows, nullptr, first, std::min(TILE, rows.count - first), false,
                                 batches[place], batch_memory(0, place));
            });
            const std::int64_t at_once = size() < 4 * threads ? 1 : count;
            run(size() * count / at_once, threads, [&](std::int64_t part, std::int64_t thread) {
                for (std::int64_t i = part * at_once; i < (part + 1) * at_once; ++i)
                    work(from + i % count, i / count, batches[i % count], scratch_[thread].at());
            });
        }
    }

    std::int64_t size() const { return members_.size(); }
    std::int64_t seed_count() const { return members_.seed_count(); }
    const Network& network() const { return members_.network(); }

    Members<T> members_;
    const InstructionSet& set_;
    std::vector<Memory> scratch_, batches_, spares_;  // of each thread
    std::size_t batch_bytes_ = 0;
    double pace_ = 0;  // seconds that a multiplication took lately, and all that goes with it
};

}  // namespace trainlab
