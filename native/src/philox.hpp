// Random numbers: Philox 4x64 with 10 rounds (Salmon, Moraes, Dror, Shaw 2011), the same numbers
// as numpy.random.Generator(Philox(key=[seed, packed])) gives from its start.
//
// Plain integers: there is nothing here that could depend on the instruction set.  A counter of
// 256 bits, which NumPy raises before each block, is enciphered to four words of 64 bits.

#pragma once

#include "vec.hpp"

namespace trainlab::TRAINLAB_ISA {

struct Words {
    std::uint64_t word[4];
};

// The upper half of a product of 64-bit numbers; `low` is the lower one.
TRAINLAB_INLINE std::uint64_t multiply_wide(std::uint64_t a, std::uint64_t b, std::uint64_t& low) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    low = static_cast<std::uint64_t>(product);
    return static_cast<std::uint64_t>(product >> 64);
}

// Block number `block` (0, 1, ...) of the stream with this key.
TRAINLAB_INLINE Words philox(std::uint64_t key0, std::uint64_t key1, std::uint64_t block) {
    Words x{{block + 1, 0, 0, 0}};
    for (int round = 0; round < 10; ++round) {
        std::uint64_t low0, low1;
        const std::uint64_t high0 = multiply_wide(0xd2e7470ee14c6c93u, x.word[0], low0);
        const std::uint64_t high1 = multiply_wide(0xca5a826395121157u, x.word[2], low1);
        x = {{high1 ^ x.word[1] ^ key0, low1, high0 ^ x.word[3] ^ key1, low0}};
        key0 += 0x9e3779b97f4a7c15u;
        key1 += 0xbb67ae8584caa73bu;
    }
    return x;
}

// The uniform numbers in [0, 1) of a block, 24 bits each, the lower half of a word before the
// upper.
TRAINLAB_INLINE void uniforms_of(const Words& words, float* out) {
    for (int i = 0; i < 4; ++i) {
        out[2 * i] =
            static_cast<float>(static_cast<std::int32_t>(words.word[i] >> 8 & 0xffffff)) * 0x1p-24f;
        out[2 * i + 1] =
            static_cast<float>(static_cast<std::int32_t>(words.word[i] >> 40)) * 0x1p-24f;
    }
}

// `count` numbers of Generator.random(dtype=float32), from the number `first` of a stream on.
inline void uniforms(std::uint64_t key0, std::uint64_t key1, std::int64_t first, std::int64_t count,
                     float* out) {
    constexpr std::int64_t each = 8;  // of a block
    for (std::int64_t i = 0; i < count;) {
        const std::int64_t block = (first + i) / each, skipped = (first + i) % each;
        const Words words = philox(key0, key1, static_cast<std::uint64_t>(block));
        const std::int64_t own = each - skipped < count - i ? each - skipped : count - i;
        if (own == each) {
            uniforms_of(words, out + i);
        } else {
            float part[each];
            uniforms_of(words, part);
            for (std::int64_t k = 0; k < own; ++k) out[i + k] = part[skipped + k];
        }
        i += own;
    }
}

// The first `count` words: what Generator.bit_generator.random_raw gives.
inline void random_words(std::uint64_t key0, std::uint64_t key1, std::int64_t count,
                         std::uint64_t* out) {
    for (std::int64_t i = 0; i < count; i += 4) {
        const Words words = philox(key0, key1, static_cast<std::uint64_t>(i / 4));
        for (std::int64_t k = 0; k < 4 && i + k < count; ++k) out[i + k] = words.word[k];
    }
}

// Generator.permutation(count): from the last place down, each number is exchanged for one of those
// before it, or for itself.  Which one is drawn with as many bits as it takes, and drawn again if
// it lies behind.
inline void permutation(std::uint64_t key0, std::uint64_t key1, std::int64_t count,
                        std::int64_t* out) {
    constexpr int blocks = 32, most = 8 * blocks;
    std::uint32_t drawn[most];  // the lower half of a word before the upper
    int next = most;
    std::uint64_t block = 0;
    for (std::int64_t i = 0; i < count; ++i) out[i] = i;
    for (std::int64_t i = count - 1; i > 0;) {
        if (next == most) {
            for (next = 0; next < most; ++block) {
                const Words words = philox(key0, key1, block);
                for (const std::uint64_t word : words.word) {
                    drawn[next++] = static_cast<std::uint32_t>(word);
                    drawn[next++] = static_cast<std::uint32_t>(word >> 32);
                }
            }
            next = 0;
        }
        const std::uint64_t mask =
            ~std::uint64_t{0} >> __builtin_clzll(static_cast<unsigned long long>(i));
        const auto chosen = static_cast<std::int64_t>(drawn[next++] & mask);
        const bool fits = chosen <= i;  // else i is exchanged for itself: nothing to be predicted
        const std::int64_t other = fits ? chosen : i, moved = out[other];
        out[other] = out[i];
        out[i] = moved;
        i -= fits;
    }
}

}  // namespace trainlab::TRAINLAB_ISA
