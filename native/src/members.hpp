// The members of a lane: their memory, and how it looks from outside.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "network.hpp"
#include "threads.hpp"

namespace trainlab {

// How a flat array outside stands in the padded one inside: row by row.
struct Piece {
    std::int64_t rows, columns;  // of the array
    std::int64_t flat, padded;  // where it begins
    std::int64_t row;  // places of a padded row
};

// The places of a row of `n` numbers of so many bytes: whole lines of a cache, and an odd number
// where there are many, so that the rows of a narrow panel do not fall on few sets of a cache.
inline std::int64_t places(std::int64_t n, std::size_t bytes) {
    const std::int64_t block = static_cast<std::int64_t>(LINE / bytes);
    std::int64_t lines = (n + block - 1) / block;
    if (lines > 8 && lines % 2 == 0) ++lines;
    return lines * block;
}

template <class T>
class Members {
  public:
    Members(std::vector<Layer> layers, std::vector<std::int64_t> flat, std::int64_t loss,
            std::vector<double> settings, std::int64_t columns, std::vector<std::int64_t> rules,
            std::vector<std::int64_t> slots, std::vector<std::uint64_t> seeds,
            std::vector<std::int64_t> seed_places)
        : layers_(std::move(layers)), settings_(std::move(settings)), columns_(columns),
          slots_(std::move(slots)) {
        lay_out(flat, loss);
        const auto count = static_cast<std::int64_t>(rules.size());
        members_.resize(rules.size());
        memories_.resize(rules.size());
        for (std::int64_t k = 0; k < count; ++k) {
            memories_[k] = Memory(bytes(k));
            std::memset(memories_[k].at(), 0, bytes(k));
            members_[k].rule = rules[k];
            point(k);
        }
        set_seeds(seeds, seed_places);
    }

    std::int64_t size() const { return static_cast<std::int64_t>(members_.size()); }
    std::int64_t slots(std::int64_t row) const { return slots_[row]; }
    std::int64_t flat_params() const { return flat_params_; }
    std::int64_t flat_buffers() const { return flat_buffers_; }
    std::int64_t seed_count() const { return seed_count_; }
    const Network& network() const { return network_; }

    Member<T>& operator[](std::int64_t row) { return members_[row]; }
    const Member<T>& operator[](std::int64_t row) const { return members_[row]; }
    // Those of a seed.
    const std::vector<std::int64_t>& of_seed(std::int64_t seed) const { return of_seed_[seed]; }

    // Slot -1 stands for the parameters.
    void load(std::int64_t row, std::int64_t slot, const T* flat) {
        copy_in(param_pieces_, flat, slot < 0 ? members_[row].params : members_[row].slots[slot]);
    }
    void fill(std::int64_t row, std::int64_t slot, T value) {
        for (const Piece& piece : param_pieces_)
            for (std::int64_t r = 0; r < piece.rows; ++r) {
                T* at = members_[row].slots[slot] + piece.padded + r * piece.row;
                for (std::int64_t c = 0; c < piece.columns; ++c) at[c] = value;
            }
    }
    void load_buffers(std::int64_t row, const T* flat) {
        copy_in(buffer_pieces_, flat, members_[row].buffers);
    }
    void read(std::int64_t row, std::int64_t slot, T* flat) const {
        copy_out(param_pieces_, slot < 0 ? members_[row].params : members_[row].slots[slot], flat);
    }
    void read_buffers(std::int64_t row, T* flat) const {
        copy_out(buffer_pieces_, members_[row].buffers, flat);
    }

    // Drops all rows but these, which rise.
    void keep(const std::vector<std::int64_t>& rows, const std::vector<std::uint64_t>& seeds,
              const std::vector<std::int64_t>& seed_places) {
        std::vector<double> settings(rows.size() * static_cast<std::size_t>(columns_));
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto from = static_cast<std::size_t>(rows[i]);
            if (from != i) {
                memories_[i] = std::move(memories_[from]);
                members_[i] = members_[from];
                slots_[i] = slots_[from];
            }
            std::memcpy(&settings[i * static_cast<std::size_t>(columns_)],
                        &settings_[from * static_cast<std::size_t>(columns_)],
                        static_cast<std::size_t>(columns_) * sizeof(double));
        }
        members_.resize(rows.size());
        memories_.resize(rows.size());
        slots_.resize(rows.size());
        settings_ = std::move(settings);
        set_seeds(seeds, seed_places);
    }

    // Bytes of all that a step of a member changes, and where they lie.
    std::size_t bytes(std::int64_t row) const {
        const std::int64_t numbers = network_.params * (1 + slots_[row]) + network_.buffers;
        return static_cast<std::size_t>(numbers) * sizeof(T);
    }
    const char* memory(std::int64_t row) const { return memories_[row].at(); }

    // A snapshot of a member, for which there has to be room, and the way back to it.
    void reserve_snapshots() {
        snapshots_.resize(members_.size());
        for (std::int64_t k = 0; k < size(); ++k) snapshots_[k].reserve(bytes(k));
    }
    void save(std::int64_t row) {
        std::memcpy(snapshots_[row].at(), memories_[row].at(), bytes(row));
    }
    void restore(std::int64_t row) {
        std::memcpy(memories_[row].at(), snapshots_[row].at(), bytes(row));
    }

  private:
    void lay_out(const std::vector<std::int64_t>& flat, std::int64_t loss) {
        network_ = {};
        for (std::size_t i = 0; i < layers_.size(); ++i) {
            Layer& layer = layers_[i];
            layer.row = places(layer.outputs, sizeof(T));
            network_.widest = std::max(network_.widest, layer.row);
            if (layer.kind == ACTIVATE || layer.kind == DROPOUT) continue;
            const std::int64_t rows = layer.kind == DENSE ? layer.inputs : 1;
            std::int64_t at = flat[2 * i], buffers = flat[2 * i + 1];
            layer.first = network_.params;
            layer.second = layer.first + rows * layer.row;
            network_.params = layer.second + layer.row;
            param_pieces_.push_back({rows, layer.outputs, at, layer.first, layer.row});
            at += rows * layer.outputs;
            param_pieces_.push_back({1, layer.outputs, at, layer.second, layer.row});
            flat_params_ = at + layer.outputs;
            if (layer.kind == BATCH_NORM) {
                layer.buffers = network_.buffers;
                network_.buffers += 2 * layer.row;
                for (std::int64_t r = 0; r < 2; ++r)
                    buffer_pieces_.push_back({1, layer.outputs, buffers + r * layer.outputs,
                                              layer.buffers + r * layer.row, layer.row});
                flat_buffers_ = buffers + 2 * layer.outputs;
            }
        }
        network_.layers = layers_.data();
        network_.count = static_cast<std::int64_t>(layers_.size());
        network_.loss = loss;
        network_.inputs = layers_.front().inputs;
        network_.outputs = layers_.back().outputs;
    }

    // Where the arrays of a member lie.
    void point(std::int64_t row) {
        Member<T>& member = members_[row];
        T* at = reinterpret_cast<T*>(memories_[row].at());
        member.params = at;
        for (std::int64_t i = 0; i < SLOTS; ++i) {
            if (i < slots_[row]) at += network_.params;
            member.slots[i] = i < slots_[row] ? at : nullptr;
        }
        member.buffers = at + network_.params;
    }

    void set_seeds(const std::vector<std::uint64_t>& seeds,
                   const std::vector<std::int64_t>& seed_places) {
        seed_count_ = static_cast<std::int64_t>(seeds.size());
        of_seed_.assign(seeds.size(), {});
        for (std::int64_t k = 0; k < size(); ++k) {
            const std::int64_t place = seed_places[k];
            members_[k].settings = &settings_[static_cast<std::size_t>(k * columns_)];
            members_[k].seed = seeds[place];
            members_[k].seed_place = place;
            of_seed_[place].push_back(k);
        }
    }

    static void copy_in(const std::vector<Piece>& pieces, const T* flat, T* padded) {
        for (const Piece& piece : pieces)
            for (std::int64_t r = 0; r < piece.rows; ++r)
                std::memcpy(padded + piece.padded + r * piece.row,
                            flat + piece.flat + r * piece.columns,
                            static_cast<std::size_t>(piece.columns) * sizeof(T));
    }
    static void copy_out(const std::vector<Piece>& pieces, const T* padded, T* flat) {
        for (const Piece& piece : pieces)
            for (std::int64_t r = 0; r < piece.rows; ++r)
                std::memcpy(flat + piece.flat + r * piece.columns,
                            padded + piece.padded + r * piece.row,
                            static_cast<std::size_t>(piece.columns) * sizeof(T));
    }

    std::vector<Layer> layers_;
    std::vector<double> settings_;  // (members, columns)
    std::int64_t columns_;
    std::vector<std::int64_t> slots_;
    Network network_{};
    std::vector<Piece> param_pieces_, buffer_pieces_;
    std::int64_t flat_params_ = 0, flat_buffers_ = 0, seed_count_ = 0;
    std::vector<Member<T>> members_;
    std::vector<Memory> memories_, snapshots_;
    std::vector<std::vector<std::int64_t>> of_seed_;
};

}  // namespace trainlab
