#include "cpu.h"

#include <unistd.h>

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

int32_t dl_cpu_is_amd(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_is("amd") ? 1 : 0;
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
