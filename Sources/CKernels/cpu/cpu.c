#include "cpu.h"

#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

int32_t dl_cpu_isa(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !__builtin_cpu_supports("f16c"))
    return 0;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return 1;
  return __builtin_cpu_supports("avx512vnni") ? 3 : 2;
#else
  return 0;
#endif
}

int32_t dl_cpu_bf16(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bf16") ? 1 : 0;
#else
  return 0;
#endif
}

int32_t dl_cpu_amd_family(void) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  if (!__get_cpuid(0, &a, &b, &c, &d) || b != signature_AMD_ebx || d != signature_AMD_edx ||
      c != signature_AMD_ecx || !__get_cpuid(1, &a, &b, &c, &d))
    return 0;
  const unsigned family = a >> 8 & 15;
  return (int32_t)(family == 15 ? family + (a >> 20 & 255) : family);
#else
  return 0;
#endif
}

int64_t dl_cpu_cache_bytes(int32_t level) {
  long bytes = 0;
  switch (level) {
  case 1:
    bytes = sysconf(_SC_LEVEL1_DCACHE_SIZE);
    break;
  case 2:
    bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    break;
  case 3:
    bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
    break;
  }
  return bytes > 0 ? bytes : 0;
}
