// The fused multiply-adds of float32 that a machine can do: `peak THREADS SECONDS` prints GFLOP/s.
//
// Each thread keeps 24 independent chains of the widest vectors busy: more than the latency of a
// multiply-add times the units that there are, and few enough for the registers.

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
using Vec = float __attribute__((vector_size(kBytes)));

constexpr int kChains = 24;
constexpr int kSteps = 1 << 16;

// Noinline, so that what it returns is computed each time it is called.
__attribute__((noinline)) float chains(float start) {
  Vec sums[kChains];
  const Vec factor = Vec{} + 0.999f, term = Vec{} + start;
  for (Vec& sum : sums) sum = term;
  for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 24
    for (int chain = 0; chain < kChains; ++chain) sums[chain] = sums[chain] * factor + term;
  }
  float total = 0;
  for (const Vec& sum : sums) total += sum[0];
  return total;
}

int main(int count, char** words) {
  const int threads = count > 1 ? std::atoi(words[1]) : 1;
  const double seconds = count > 2 ? std::atof(words[2]) : 1.0;
  std::atomic<long> calls{0};
  const auto begin = std::chrono::steady_clock::now();
  const auto passed = [begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  std::vector<std::thread> workers;
  for (int thread = 0; thread < threads; ++thread)
    workers.emplace_back([&] {
      volatile float sink = 0;
      while (passed() < seconds) {
        sink = chains(sink * 1e-9f + 1.0f);
        ++calls;
      }
    });
  for (std::thread& worker : workers) worker.join();
  const double each = 2.0 * kSteps * kChains * (kBytes / sizeof(float));
  std::printf("%.1f\n", each * static_cast<double>(calls) / passed() * 1e-9);
}
