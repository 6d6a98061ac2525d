// Members in training: how their steps are dealt to threads.
//
// Nothing here knows Python.  Every size has been checked by module.cpp.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
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
constexpr double SPREAD = 2e6;  // multiplications worth another thread
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
        const Rows<T> rows = with_short_lists(given, batch);
        training.network = &network();
        const std::int64_t steps = training.steps;
        for (std::int64_t k = 0; k < size(); ++k) training.diverged[k] = -1;
        const double cost = 3.0 * static_cast<double>(network().params * batch * size());
        if (cost * static_cast<double>(steps) < SPREAD) threads = 1;
        prepare(rows, batch, threads, true);
        members_.reserve_snapshots();
        std::int64_t done = 0;
        auto looked = std::chrono::steady_clock::now();
        while (done < steps) {
            const auto block = static_cast<std::int64_t>(BLOCK_SECONDS / (pace_ * cost)) + 1;
            const std::int64_t last = std::min(done + block, steps);
            const auto before = std::chrono::steady_clock::now();
            train_block({rows, batches, batch, training, threads}, done, last);
            const auto now = std::chrono::steady_clock::now();
            const std::chrono::duration<double> taken = now - before, since = now - looked;
            pace_ = (taken.count() + 1e-9) / (cost * static_cast<double>(last - done));
            done = last;
            if (done < steps && since.count() > BLOCK_SECONDS / 2) {
                if (interrupted()) break;
                looked = std::chrono::steady_clock::now();
            }
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
        const Rows<T> rows = with_short_lists(given, batch);
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
    };

    const Kernels<T>& kernels() const {
        if constexpr (sizeof(T) == sizeof(float))
            return set_.of_float;
        else
            return set_.of_double;
    }

    // The rows, as a matrix where the lists of a batch would be too long for their 32 bits.
    static Rows<T> with_short_lists(Rows<T> rows, std::int64_t batch) {
        constexpr std::int64_t most = (std::int64_t{1} << 31) - 1;
        if (rows.longest > 0 && batch > most / rows.longest) rows.is_sparse = false;
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

    // Where seeds are few, their batches are brought together for all members at first, else each
    // thread brings together those of the seed that it is at.
    void train_block(const Call& call, std::int64_t first, std::int64_t last) {
        const std::int64_t per_seed = (size() + seed_count() - 1) / seed_count();
        const auto fitting = static_cast<std::int64_t>(GATHERED / batch_bytes_);
        const bool is_shared = can_share(call);
        if (is_shared || (call.threads > 1 && per_seed > 1 && seed_count() < 4 * call.threads)) {
            std::int64_t ahead = std::clamp(4 * fitting / seed_count(), std::int64_t{1}, AHEAD);
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
            return;
        }
        const std::int64_t ahead = per_seed == 1 ? 1 : std::clamp(fitting, std::int64_t{1}, AHEAD);
        reserve_batches(ahead, call.threads);
        run(seed_count(), call.threads, [&](std::int64_t seed, std::int64_t thread) {
            Batch<T> batches[AHEAD];
            for (std::int64_t from = first; from < last; from += ahead) {
                const std::int64_t to = std::min(from + ahead, last);
                for (std::int64_t step = from; step < to; ++step)
                    gather(call, seed, step, batches[step - from],
                           batch_memory(thread, step - from));
                for (const std::int64_t k : members_.of_seed(seed))
                    train_member(call, k, batches, from, to, thread, 1);
                fetch(seed + call.threads, from - first, to - first, last - first);
            }
        });
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
    void over_tiles(const Rows<T>& rows, std::int64_t threads, const Work& work) {
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
    double pace_ = 2e-10;  // seconds that a multiplication took lately, and all that goes with it
};

}  // namespace trainlab
